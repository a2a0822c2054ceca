"""What the sample adds to the roles: everybody may make records, and whoever makes one owns it."""

from apps.rbac.roles import Role, extend


class RecordOwner(Role):
    slug = "records.owner"
    label = "Owner of a record"
    scope = "records.Record"
    permissions = frozenset(
        f"records.{each}"
        for each in ("view_record", "change_record", "delete_record", "share_record", "reveal_national_id")
    )


extend("user", {"records.add_record"})
