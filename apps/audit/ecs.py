"""An event in the Elastic Common Schema, 9.0, with dotted names. What it has no field for is under `audit`."""

from typing import Any, Final

from django.conf import settings

from apps.audit.actions import Category, Outcome, Severity, registered
from apps.audit.models import Event, read

VERSION: Final = "9.0.0"
SEVERITIES: Final[dict[str, int]] = {
    Severity.INFO: 6,
    Severity.NOTICE: 5,
    Severity.WARNING: 4,
    Severity.CRITICAL: 2,
}  # as syslog
LABELS: Final = ("actor_type", "outcome", "route", "session", "severity", "target_id", "target_label", "target_type")
# Category → ECS' category, and those of its types that are expected with it.
CATEGORIES: Final = {
    Category.AUDIT: ("database", {"access", "change"}),
    Category.AUTHENTICATION: ("authentication", {"start", "end"}),
    Category.AUTHORIZATION: ("iam", {"change", "creation", "deletion"}),
    Category.CONFIGURATION: ("configuration", {"access", "change", "creation", "deletion"}),
    Category.CRYPTOGRAPHY: ("configuration", {"access", "change", "creation", "deletion"}),
    Category.DATA: ("database", {"access", "change"}),
    Category.DEFENSE: ("intrusion_detection", {"denied"}),
    Category.SESSION: ("session", {"start", "end"}),
    Category.USER: ("iam", {"change", "creation", "deletion"}),
}
TYPES: Final = {
    **{verb: {"change"} for verb in ("changed", "confirmed", "granted", "reset", "revoked", "set")},
    **{verb: {"access"} for verb in ("exported", "revealed", "searched", "viewed")},
    **{verb: {"change", "creation"} for verb in ("created", "registered")},
    "deleted": {"deletion", "change"},
    "ended": {"end"},
    "started": {"start"},
}


def document(event: Event) -> dict[str, Any]:
    action = registered().get(event.action)
    category, expected = CATEGORIES[action.category] if action else ("database", set())
    denied = {"denied"} if event.outcome == Outcome.DENIED else set()
    user = event.actor_type == "user"
    fields = {
        "@timestamp": event.occurred_at,
        "ecs.version": VERSION,
        "message": event.sentence,
        "event.id": str(event.id),
        "event.kind": "event",
        "event.dataset": "audit",
        "event.provider": getattr(settings, "SITE_NAME", "site"),
        "event.action": event.action,
        "event.category": [category],
        "event.type": sorted((TYPES.get(event.action.rpartition(".")[2], set()) | denied) & expected) or ["info"],
        "event.outcome": "success" if event.outcome == Outcome.SUCCESS else "failure",
        "event.severity": SEVERITIES.get(event.severity, 6),
        "event.reason": event.reason,
        "event.hash": event.digest,
        "user.id": event.actor_id if user else "",
        "user.name": event.actor_label if user else "",
        "process.name": event.actor_id if event.actor_type == "system" else "",
        "source.ip": event.ip,
        "user_agent.original": event.user_agent,
        "http.request.method": event.method,
        "http.request.id": event.request_id,
        "trace.id": event.request_id,
        "related.ip": [event.ip] if event.ip else [],
        "related.user": [event.actor_label] if event.actor_id else [],
        "labels": {name: getattr(event, name) for name in LABELS},
        "audit": {"changes": read(event.changes), "details": read(event.details)},
    }
    return {name: value for name, value in fields.items() if value not in ("", [])}  # "" is no address to Elasticsearch
