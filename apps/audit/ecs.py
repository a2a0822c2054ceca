"""An event in the Elastic Common Schema, 9.0, as nested objects. What it has no field for is under `audit`."""

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
    types = TYPES.get(event.action.rpartition(".")[2], set()) | (
        {"denied"} if event.outcome == Outcome.DENIED else set()
    )
    labels = {
        name: getattr(event, name)
        for name in (
            "actor_type",
            "route",
            "session",
            "severity",
            "outcome",
            "target_type",
            "target_id",
            "target_label",
        )
    }
    user = {"id": event.actor_id, "name": event.actor_label}
    return pruned(
        {
            "@timestamp": event.occurred_at,
            "ecs": {"version": VERSION},
            "message": event.sentence,
            "event": {
                "id": str(event.id),
                "kind": "event",
                "dataset": "audit",
                "provider": getattr(settings, "SITE_NAME", "site"),
                "action": event.action,
                "category": [category],
                "type": sorted(types & expected) or ["info"],
                "outcome": "success" if event.outcome == Outcome.SUCCESS else "failure",
                "severity": SEVERITIES.get(event.severity, 6),
                "reason": event.reason,
                "hash": event.digest,
            },
            "user": user if event.actor_type == "user" else {},
            "process": {"name": event.actor_id} if event.actor_type == "system" else {},
            "source": {"ip": event.ip},
            "user_agent": {"original": event.user_agent},
            "http": {"request": {"method": event.method, "id": event.request_id}},
            "trace": {"id": event.request_id},
            "related": {"ip": [event.ip] if event.ip else [], "user": [event.actor_label] if event.actor_id else []},
            "labels": labels,
            "audit": {"changes": read(event.changes), "details": read(event.details)},
        }
    )


def pruned(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known: an empty address is no address to Elasticsearch."""
    inner = {
        name: pruned(value) if isinstance(value, dict) and name != "audit" else value for name, value in fields.items()
    }
    return {name: value for name, value in inner.items() if value not in ("", {}, [])}
