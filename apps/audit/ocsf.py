"""An event as the Open Cybersecurity Schema Framework has it, version 1.8.0: one of four classes, by its category.

What the schema has no place for is under `unmapped`, so that nothing is lost on the way.
"""

from typing import Any, Final

from django.conf import settings

from apps.audit.actions import Category, Outcome, Severity, registered
from apps.audit.models import Event, read

VERSION: Final = "1.8.0"
ACCOUNT_CHANGE, AUTHENTICATION, USER_ACCESS, API_ACTIVITY = 3001, 3002, 3005, 6003
OTHER: Final = 99
SEVERITIES: Final[dict[str, int]] = {Severity.INFO: 1, Severity.NOTICE: 2, Severity.WARNING: 3, Severity.CRITICAL: 5}
CLASSES: Final = {
    Category.AUTHENTICATION: AUTHENTICATION,
    Category.SESSION: AUTHENTICATION,
    Category.USER: ACCOUNT_CHANGE,
}
# The last words of an action's name → the activity.
ACTIVITIES: Final = {
    AUTHENTICATION: {"session.started": 1, "sign_in.failed": 1, "session.ended": 2},
    ACCOUNT_CHANGE: {"user.registered": 1, "password.set": 3, "password.changed": 3, "password.reset": 4},
    USER_ACCESS: {"granted": 1, "revoked": 2},
    API_ACTIVITY: {"created": 1, "exported": 2, "revealed": 2, "searched": 2, "viewed": 2, "changed": 3, "deleted": 4},
}


def document(event: Event) -> dict[str, Any]:
    details = read(event.details)
    kind = class_of(event, details)
    known = ACTIVITIES[kind]
    activity = next((known[end] for end in known if event.action.endswith(f".{end}")), OTHER)
    service = {"name": getattr(settings, "SITE_NAME", "site")}
    source = {"ip": event.ip} if event.ip else {"name": event.route or event.actor_label}
    request = {"http_method": event.method, "url": {"path": f"/{event.route}"}, "user_agent": event.user_agent}
    return {
        "activity_id": activity,
        "category_uid": kind // 1000,
        "class_uid": kind,
        "type_uid": kind * 100 + activity,
        "severity_id": SEVERITIES.get(event.severity, 0),
        "status_id": 1 if event.outcome == Outcome.SUCCESS else 2,
        "status_detail": event.reason or event.outcome,
        "time": event.id.int >> 80,
        "message": event.sentence,
        "metadata": {
            "version": VERSION,
            "product": service,
            "uid": str(event.id),
            "event_code": event.action,
            "log_name": "audit",
            "original_time": event.occurred_at,
            **({"correlation_uid": event.request_id} if event.request_id else {}),
        },
        "actor": {"user": user_of(event)} | ({"session": {"uid": event.session}} if event.session else {}),
        "src_endpoint": source,
        **({"http_request": request} if event.method else {}),
        **of_class(kind, event, details, service),
        "unmapped": {"changes": read(event.changes), "details": details, "digest": event.digest},
    }


def class_of(event: Event, details: dict[str, Any]) -> int:
    action = registered().get(event.action)
    given = event.action.endswith((".granted", ".revoked")) and "to" in details
    return USER_ACCESS if given else CLASSES.get(action.category, API_ACTIVITY) if action else API_ACTIVITY


def of_class(kind: int, event: Event, details: dict[str, Any], service: dict[str, str]) -> dict[str, Any]:
    """What the class wants besides: whose account, to whom, or which call on what."""
    target = {"uid": event.target_id, "name": event.target_label or event.target_type}
    if kind == API_ACTIVITY:
        resources = [target | {"type": event.target_type}] if event.target_type else []
        return {"api": {"operation": event.action}, "resources": resources}
    if kind == USER_ACCESS:
        privileges = details.get("permissions") or [str(details.get("role", ""))]
        given = {"user": {"name": str(details["to"])}, "privileges": privileges}
        return given | ({"resource": target} if event.target_type else {})
    user = target if event.target_type else user_of(event)
    return {"user": user} | ({"service": service} if kind == AUTHENTICATION else {})


def user_of(event: Event) -> dict[str, Any]:
    known = {"uid": event.actor_id} if event.actor_id else {}
    return {"name": event.actor_label, "type_id": {"user": 1, "system": 3}.get(event.actor_type, 0)} | known
