"""Which events a page shows. Pages go by the key, so page 1,000 is as fast as 1.

Filters by time, user, command, action and target are served by an index. One by outcome alone, or by the name of
somebody who has no account any more, reads the log from its newest event until a page is full.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Model, Q, QuerySet

from apps.audit.actions import Audience, registered
from apps.audit.canonical import floor_of
from apps.audit.models import Event

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. older: the key after which the next page begins, or None on the last one."""

    events: list[Event]
    older: UUID | None


def page_of(before: UUID | None, *sources: QuerySet[Event]) -> Page:
    """The events of all sources in one order. Each is asked by its own index, which one query with OR would not be."""
    found: dict[UUID, Event] = {}
    for events in sources:
        older = events.filter(id__lt=before) if before is not None else events
        found |= {event.id: event for event in older.order_by("-id")[: PAGE_SIZE + 1]}
    newest = sorted(found.values(), key=lambda event: event.id, reverse=True)
    shown = newest[:PAGE_SIZE]
    return Page(shown, shown[-1].id if len(newest) > PAGE_SIZE else None)


def matching(filters: dict[str, Any]) -> QuerySet[Event]:
    """Events by the cleaned values of EventFilter; an empty value filters nothing."""
    events: QuerySet[Event] = Event.objects.all()
    if since := filters.get("since"):
        events = events.filter(id__gte=floor_of(since))
    if until := filters.get("until"):
        events = events.filter(id__lt=floor_of(until))
    if actor := filters.get("actor"):
        events = events.filter(by(actor))
    if target := filters.get("target"):
        kind, _, key = target.partition(":")
        events = events.filter(target_type=kind, **({"target_id": key} if key else {}))
    for name in ("action", "outcome"):
        if value := filters.get(name):
            events = events.filter(**{name: value})
    return events


def by(actor: str) -> Q:
    """By a user's present name: all that he did, under earlier names too. By any other: what was done under it."""
    if actor.startswith("system:"):
        return Q(actor_type="system", actor_id=actor.removeprefix("system:"))
    users = get_user_model()._default_manager
    user = users.filter(**{f"{users.model.USERNAME_FIELD}__iexact": actor}).first()
    return Q(actor_type="user", actor_id=str(user.pk)) if user is not None else Q(actor_label__iexact=actor)


def of_actor(user: Model) -> QuerySet[Event]:
    """What a user did."""
    return for_everyone().filter(actor_type="user", actor_id=str(user.pk))


def of_target(target: Model) -> QuerySet[Event]:
    """What was done to an object, or tried."""
    return for_everyone().filter(target_type=target._meta.label_lower, target_id=str(target.pk))


def for_everyone() -> QuerySet[Event]:
    hidden = [action.name for action in registered().values() if action.audience is Audience.AUDITORS]
    return Event.objects.exclude(action__in=hidden)
