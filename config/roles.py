"""What the seed roles may do with the apps of the kit, which do not know each other."""

from apps.rbac.roles import extend

extend("admin", {"audit.view_event"})
