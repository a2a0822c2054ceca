"""What happens to records, by name. Sharing is told by rbac (`rbac.share.granted`), once for every app that shares."""

from apps.audit.actions import Action, Category, Severity, register

register(
    Action("records.record.changed", "{actor} changed {target}", Category.DATA),
    Action("records.record.created", "{actor} created {target}", Category.DATA),
    Action("records.record.deleted", "{actor} deleted {target}", Category.DATA, Severity.NOTICE),
    Action("records.record.searched", "{actor} searched by national ID and found {details.found}", Category.DATA),
    Action("records.record.viewed", "{actor} viewed {target}", Category.DATA),
)
