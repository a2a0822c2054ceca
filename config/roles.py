"""What the seed roles may do with the apps of the kit, which do not know each other."""

from apps.rbac.roles import extend

extend("admin", {"audit.export_event", "audit.view_event"})
extend("admin", {"accounts.add_user", "accounts.change_user", "accounts.view_user"})
extend("admin", {"auth.add_group", "auth.change_group", "auth.view_group"})
