"""The event: one thing that happened, in the canonical form of SPEC.md."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self

from django.db import models

from apps.audit import actions, canonical, subjects, wording
from apps.audit.append_only import AppendOnly, AppendOnlyQuerySet
from apps.audit.errors import UnknownAction
from apps.audit.ledger import Archive, Checkpoint, Leaf, Progress

__all__ = ["Archive", "Checkpoint", "Event", "Leaf", "Progress"]


class Change(NamedTuple):
    field: str
    old: str
    new: str


class EventQuerySet(AppendOnlyQuerySet["Event"]):
    """Events with what is sealed in them opened. `values()`, and whoever reads by SQL, get the columns as stored."""

    def _fetch_all(self) -> None:
        loaded = self._result_cache is None
        super()._fetch_all()
        if loaded:
            rows: Iterable[Any] = self._result_cache or ()  # of values() no events
            subjects.open_all([row for row in rows if isinstance(row, Event)])


class Event(AppendOnly):
    """One thing that happened. No column is null, and none is a foreign key: an event outlives its user and target.

    Its attributes are what a person reads. cells: the columns that are stored otherwise, as they are stored (SPEC.md,
    Sealed cells). keys: those that its cells are sealed with, until it is written.
    """

    cells: Mapping[str, str] = MappingProxyType({})
    keys: Collection[Any] = ()

    id = models.UUIDField(primary_key=True, editable=False)
    schema = models.PositiveSmallIntegerField(default=canonical.SCHEMA)
    occurred_at = models.CharField(max_length=24)
    action = models.CharField(max_length=actions.NAME_MAX)
    outcome = models.CharField(max_length=10)
    severity = models.CharField(max_length=10)
    actor_type = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=64)
    actor_label = models.TextField()
    on_behalf_of = models.TextField()
    ip = models.CharField(max_length=45)
    user_agent = models.CharField(max_length=256)
    session = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    route = models.CharField(max_length=200)
    method = models.CharField(max_length=10)
    target_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=64)
    target_label = models.TextField()
    reason = models.TextField()
    changes = models.TextField()
    details = models.TextField()
    digest = models.CharField(max_length=64, editable=False)

    # Of what a person reads, in characters: a cell is longer.
    LONGEST: ClassVar[dict[str, int]] = {"actor_label": 254, "target_label": 200, "reason": 500}

    # What the digest covers, in the order of SPEC.md: frozen with schema 1.
    COLUMNS: ClassVar[tuple[str, ...]] = (
        "id", "schema", "occurred_at", "action", "outcome", "severity", "actor_type", "actor_id", "actor_label",
        "on_behalf_of", "ip", "user_agent", "session", "request_id", "route", "method", "target_type", "target_id",
        "target_label", "reason", "changes", "details",
    )  # fmt: skip

    objects: ClassVar[models.Manager["Event"]] = models.Manager.from_queryset(EventQuerySet)()

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

    def stored(self, column: str) -> str:
        """The column as the table has it, which is what its digest is over."""
        return self.cells.get(column) or str(getattr(self, column))

    def computed_digest(self) -> str:
        return canonical.digest(map(self.stored, self.COLUMNS))

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
        person = read(self.on_behalf_of).get("label", self.on_behalf_of)
        return f"{self.actor_label} (for {person})" if person else self.actor_label

    @property
    def kept_until(self) -> datetime | None:
        action = actions.registered().get(self.action)
        return self.time + action.retention if action and self.time else None

    def change_rows(self) -> Iterator[Change]:
        for field, change in read(self.changes).items():
            secret = "(secret)" if change == "changed" else change
            old, new = change if isinstance(change, list) and len(change) == 2 else (secret, secret)
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
