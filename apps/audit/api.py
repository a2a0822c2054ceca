"""What the rest of the project calls.

from apps.audit import api as audit

audit.record("billing.invoice.paid", target=invoice, changes={"paid": [False, True]}, method="card")
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import le
from sys import maxsize
from typing import Any

from django.db.models import CharField, Model
from django.db.models.base import ModelState
from uuid_utils.compat import uuid7

from apps.audit import canonical, subjects
from apps.audit.actions import Outcome, find
from apps.audit.canonical import line
from apps.audit.context import Actor, acting_as, current
from apps.audit.errors import MissingActor, NotRecorded
from apps.audit.models import Event
from apps.audit.values import CHANGED, changes_text, json_text
from apps.audit.writing import failing_closed, write, write_later

__all__ = [
    "CHANGED",
    "Happening",
    "NotRecorded",
    "acting_as",
    "record",
    "record_after_rollback",
    "viewed",
    "write_event",
]


def record(
    action: str,
    *,
    target: Model | None = None,
    changes: Mapping[str, Any] | None = None,
    outcome: str = Outcome.SUCCESS,
    reason: str = "",
    **details: Any,
) -> Event:
    """Write an event in the current transaction: with what it tells of, it is committed or vanishes. One INSERT.

    changes: {field: [old, new]}, or CHANGED in place of the pair for what is encrypted or secret. An action declared
    `deferred` is written after the view instead. Raises NotRecorded (UnknownAction, Unserializable, MissingActor), and
    then the transaction is rolled back.
    """
    return write_event(action, Happening(target, changes, outcome, reason, details))


def viewed[Row: Model](target: Row, **details: Any) -> Row:
    """Record a look at a row of a model whose `Audit` says `reads = True`, and hand it on: behind the gate of a view,

    invoice = audit.viewed(access_or_404(request, Invoice, pk, "billing.view_invoice"))
    """
    write_event(f"{type_of(target)}.viewed", Happening(target, details=details))
    return target


def record_after_rollback(
    action: str,
    *,
    target: Model | None = None,
    changes: Mapping[str, Any] | None = None,
    outcome: str = Outcome.DENIED,
    reason: str = "",
    **details: Any,
) -> Event:
    """Write an event that must outlive the roll-back of its request: a refusal, a failed sign-in.

    In a request the middleware writes it after the view's transaction has ended; in `acting_as` it is written when that
    block ends. Outside of both it is written at once, and then a transaction around it can still undo it: a command
    that refuses things opens `acting_as` outside of its transaction. Raises as `record` does.
    """
    return write_event(action, Happening(target, changes, outcome, reason, details), survives=True)


@dataclass(frozen=True, slots=True)
class Happening:
    """The arguments of an event, as the signals of all apps carry them. A model as target: many of its rows at once."""

    target: Model | type[Model] | None = None
    changes: Mapping[str, Any] | None = None
    outcome: str = Outcome.SUCCESS
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def write_event(name: str, happening: Happening, *, survives: bool = False) -> Event:
    with failing_closed(line(name, 100)):
        action = find(name)
        event = event_of(name, happening, survives=survives)
    if survives or action.deferred:
        write_later(event)
    else:
        write(event)
    return event


def event_of(name: str, happening: Happening, *, survives: bool = False) -> Event:
    """The event in its canonical form, not yet written. Its id is known, and holds the time."""
    action, context, identifier = find(name), current(), uuid7()
    if action.needs_actor and context.actor.type != "user":
        raise MissingActor(f"{name} is done by a person; sign in, or open acting_as(user, reason=…).")
    target = happening.target
    texts = bounded(
        str(identifier),
        str(canonical.SCHEMA),
        canonical.time_of(identifier),
        name,
        Outcome(happening.outcome),
        action.severity,
        *context.actor,
        principal_text(context.on_behalf_of),
        *context.origin,
        type_of(target) if target is not None else "",
        str(target.pk) if isinstance(target, Model) else "",
        label_of(target, survives=survives),
        happening.reason or context.reason,
        changes_text(happening.changes, sensitive=action.sensitive),
        json_text(happening.details),
    )
    event = Event.__new__(Event)  # as Event(…) would, in a third of the time
    vars(event).update(zip(Event.COLUMNS, (identifier, canonical.SCHEMA, *texts[2:]), strict=True), _state=ModelState())
    subjects.seal(event, subjects.people(context.actor, context.on_behalf_of, target, happening.details))
    event.digest = canonical.digest(map(event.cells.get, Event.COLUMNS, texts) if event.cells else texts)
    return event


def bounded(*texts: str) -> list[str]:
    """Each as one harmless line that its column holds."""
    if "".join(texts).isprintable() and all(map(le, map(len, texts), LONGEST)):  # nearly always
        return list(map(str, texts))
    return list(map(line, texts, LONGEST))


def type_of(target: Model | type[Model]) -> str:
    """`app.model`; of a proxy that of the model which it stands for."""
    return (target._meta.concrete_model or target)._meta.label_lower


def label_of(target: Model | type[Model] | None, *, survives: bool) -> str:
    """The target's name. A target that can't tell it, as one whose name was tampered with, does not mute its alarm."""
    if not isinstance(target, Model):
        return str(target._meta.verbose_name_plural) if target is not None else ""
    try:
        return str(target)
    except Exception:
        if survives:
            return f"{target._meta.label_lower}:{target.pk}"
        raise


def principal_text(principal: Actor | None) -> str:
    if principal is None:
        return ""
    return json_text({"type": principal.type, "id": principal.id, "label": line(principal.label, LABEL_MAX)})


LABEL_MAX = Event.LONGEST["actor_label"]
COLUMNS = [Event._meta.get_field(name) for name in Event.COLUMNS]
BOUNDS = {each.name: each.max_length for each in COLUMNS if isinstance(each, CharField)} | Event.LONGEST
LONGEST = [BOUNDS.get(name) or maxsize for name in Event.COLUMNS]
