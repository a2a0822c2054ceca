"""The event: one thing that happened, in the canonical form of SPEC.md."""

import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.db import models

from apps.audit import actions, canonical, wording
from apps.audit.append_only import AppendOnly
from apps.audit.errors import UnknownAction
from apps.audit.ledger import Archive, Checkpoint, Leaf, Progress

__all__ = ["Archive", "Checkpoint", "Event", "Leaf", "Progress"]


class Change(NamedTuple):
    field: str
    old: str
    new: str


class Event(AppendOnly):
    """One thing that happened. No column is null, and none is a foreign key: an event outlives its user and target."""

    id = models.UUIDField(primary_key=True, editable=False)
    schema = models.PositiveSmallIntegerField(default=canonical.SCHEMA)
    occurred_at = models.CharField(max_length=24)
    action = models.CharField(max_length=actions.NAME_MAX)
    outcome = models.CharField(max_length=10)
    severity = models.CharField(max_length=10)
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=254)
    on_behalf_of = models.TextField()
    ip = models.CharField(max_length=45)
    user_agent = models.CharField(max_length=256)
    session = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    route = models.CharField(max_length=200)
    method = models.CharField(max_length=10)
    target_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=64)
    target_label = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    changes = models.TextField()
    details = models.TextField()
    digest = models.CharField(max_length=64, editable=False)

    # What the digest covers, in the order of SPEC.md: frozen with schema 1.
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "id", "schema", "occurred_at", "action", "outcome", "severity", "actor_type", "actor_id", "actor_label",
        "on_behalf_of", "ip", "user_agent", "session", "request_id", "route", "method", "target_type", "target_id",
        "target_label", "reason", "changes", "details",
    )  # fmt: skip

    class Meta:
        default_permissions = ("view", "export")
        # Filters on time need no index: they become bounds of the primary key (canonical.floor_of).
        indexes: ClassVar = [
            models.Index(fields=["actor_type", "actor_id", "-id"], name="audit_event_actor"),
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_event_target"),
            models.Index(fields=["action", "-id"], name="audit_event_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} at {self.occurred_at}"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        """Harmless where it is shown, also if somebody wrote it by SQL. `verify` and archives read it as it is."""
        safe = [canonical.harmless(each) if isinstance(each, str) else each for each in values]
        return super().from_db(db, field_names, safe, **kwargs)

    def computed_digest(self) -> str:
        return canonical.digest(str(getattr(self, column)) for column in self.COLUMNS)

    @property
    def is_intact(self) -> bool:
        """Whether the row still is what its digest says. Who forges both is found by seals, not by this."""
        return self.digest == self.computed_digest()

    @property
    def time(self) -> datetime | None:
        """None when somebody wrote a text into the row that is no time: the row is then shown all the same."""
        try:
            return datetime.fromisoformat(self.occurred_at).astimezone(UTC)
        except ValueError:
            return None

    @property
    def sentence(self) -> str:
        """What happened, in words. An action which no app knows any more is told by its name."""
        try:
            form = actions.find(self.action).wording
        except UnknownAction:
            form = f"{{actor}}: {self.action}"
        words = {f"details.{name}": wording.shown(value) for name, value in read(self.details).items()}
        target = self.target_label or self.target_type
        return wording.sentence(form, words | {"actor": self.actor, "target": target, "reason": self.reason})

    @property
    def actor(self) -> str:
        person = read(self.on_behalf_of).get("label")
        return f"{self.actor_label} (for {person})" if person else self.actor_label

    @property
    def kept_until(self) -> datetime | None:
        action = actions.registered().get(self.action)
        return self.time + action.retention if action and self.time else None

    def change_rows(self) -> Iterator[Change]:
        for field, change in read(self.changes).items():
            old, new = change if isinstance(change, list) and len(change) == 2 else ("(secret)", "(secret)")
            yield Change(field, wording.shown(old), wording.shown(new))

    def detail_rows(self) -> Iterator[tuple[str, str]]:
        for name, value in read(self.details).items():
            yield name, wording.shown(value)


def read(text: str) -> dict[str, Any]:
    """A JSON column as a mapping; of a row that was tampered with, the bare text, so that the page still shows it."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"unreadable": text}
