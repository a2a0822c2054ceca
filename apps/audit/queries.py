"""Which events a page shows. Pages go by the key, so page 1,000 is as fast as 1, and nothing is counted over the whole.

Filters by time, person, command, action, category, severity and object are served by an index. What has none (outcome,
address, request, a kind of object, the name of somebody without an account) reads the log through, and is therefore
held to WINDOW by the form.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Model, Q, QuerySet

from apps.audit.actions import Audience, Category, Outcome, registered
from apps.audit.api import type_of
from apps.audit.canonical import floor_of, moment_of
from apps.audit.models import Checkpoint, Event, Leaf, read

PAGE_SIZE = 50
WINDOW: Final = timedelta(days=31)  # the longest time that is read through
REQUEST: Final = timedelta(seconds=35)  # no request takes longer: the proxy gives up then
NEWEST: Final = 1_000  # of an object's events, those that are looked through for people


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. older: the key after which the next page begins, or None on the last one."""

    events: list[Event]
    older: UUID | None


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who did something to an object: what and how often, when last, and who let them."""

    last: Event
    counts: dict[str, int]
    grant: Event | None


def page_of(before: UUID | None, *sources: QuerySet[Event]) -> Page:
    """The events of all sources in one order. Each is asked by its own index, which one query with OR would not be."""
    older = [events.filter(id__lt=before) if before is not None else events for events in sources]
    if len(older) != 1:
        keys = {key for each in older for key in each.order_by("-id").values_list("id", flat=True)[: PAGE_SIZE + 1]}
        older = [Event.objects.filter(id__in=sorted(keys, reverse=True)[: PAGE_SIZE + 1])]
    newest = list(older[0].order_by("-id")[: PAGE_SIZE + 1])
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
    if (names := named(filters)) is not None:
        events = events.filter(action__in=names)
    columns = {"outcome": "outcome", "address": "ip", "request": "request_id"}
    return events.filter(**{column: filters[name] for name, column in columns.items() if filters.get(name)})


def by_index(filters: dict[str, Any]) -> list[QuerySet[Event]]:
    """The same, as sources of a page: several actions are several ranges of their index."""
    names = named(filters)
    if names is None or filters.get("actor") or filters.get("target"):
        return [matching(filters)]
    rest = {name: value for name, value in filters.items() if name not in ("category", "severity")}
    return [matching(rest | {"action": name}) for name in names]


def named(filters: dict[str, Any]) -> list[str] | None:
    """The actions that a filter by action, category or severity (as declared today) means; None without such a one."""
    keys = {"action": "name", "category": "category", "severity": "severity"}
    asked = {key: filters[name] for name, key in keys.items() if filters.get(name)}
    if not asked:
        return None
    return [each.name for each in registered().values() if all(getattr(each, key) == asked[key] for key in asked)]


def person(actor: str) -> tuple[str, str] | None:
    """Type and id of an actor who has them: `system:migrate`, `user:7`, `anonymous`, or a user's present name."""
    kind, _, key = actor.partition(":")
    if kind in ("system", "user") and key:
        return kind, key
    if actor == "anonymous":
        return "anonymous", ""
    users = get_user_model()._default_manager
    user = users.filter(**{f"{users.model.USERNAME_FIELD}__iexact": actor}).first()
    return ("user", str(user.pk)) if user is not None else None


def by(actor: str) -> Q:
    """By a user's present name: all that he did, under earlier names too. By any other: what was done under it."""
    found = person(actor)
    return Q(actor_type=found[0], actor_id=found[1]) if found else Q(actor_label__iexact=actor)


def of_actor(user: Model) -> QuerySet[Event]:
    """What a user did."""
    return for_everyone().filter(actor_type="user", actor_id=str(user.pk))


def of_target(target: Model) -> QuerySet[Event]:
    """What was done to an object, or tried."""
    return for_everyone().filter(target_type=type_of(target), target_id=str(target.pk))


def for_everyone() -> QuerySet[Event]:
    hidden = [action.name for action in registered().values() if action.audience is Audience.AUDITORS]
    return Event.objects.exclude(action__in=hidden)


def of_request(event: Event) -> list[Event]:
    """What else the same request did, in order. The log has no index on requests: their time bounds them."""
    if not event.request_id:
        return []
    around = [floor_of(moment_of(event.id) + side) for side in (-REQUEST, REQUEST)]
    others = Event.objects.filter(id__range=around, request_id=event.request_id).exclude(pk=event.pk)
    return list(others.order_by("id")[:PAGE_SIZE])


def seal_of(event: Event) -> tuple[Leaf, Checkpoint | None] | None:
    """The event's place in the tree, and the first checkpoint that covers it; None until it is sealed."""
    leaf = Leaf.objects.filter(event_id=event.id).first()
    return (leaf, Checkpoint.objects.filter(size__gt=leaf.position).order_by("size").first()) if leaf else None


def grants_on(target: str) -> list[Event]:
    """Who was given access to an object, or lost it; the newest first, however long ago."""
    filters = {"target": target, "category": Category.AUTHORIZATION, "outcome": Outcome.SUCCESS}
    return list(matching(filters).order_by("-id")[:PAGE_SIZE])


def visitors(events: QuerySet[Event], grants: list[Event]) -> list[Visitor]:
    """Who is behind an object's newest events, the latest visitor first, and by which of the grants each came."""
    found: dict[tuple[str, str], list[Event]] = {}
    data = [name for name, action in registered().items() if action.category is Category.DATA]
    for event in events.filter(action__in=data, outcome=Outcome.SUCCESS).order_by("-id")[:NEWEST]:
        found.setdefault((event.actor_type, event.actor_id), []).append(event)
    return [
        Visitor(theirs[0], dict(Counter(event.action for event in theirs)), grant_before(theirs[0], grants))
        for theirs in found.values()
    ]


def grant_before(seen: Event, grants: list[Event]) -> Event | None:
    """By what the actor could see it: the newest grant to them before that. `details.to` names who received it."""
    given = (grant for grant in grants if read(grant.details).get("to") == seen.actor_label and grant.id < seen.id)
    return next(given, None)


def seen_lately(looked: Event, within: timedelta) -> bool:
    """Whether the same person, from the same session and address, was told of the same look already."""
    same = ("actor_type", "actor_id", "action", "session", "ip", "target_type", "target_id", "details")
    lately = Event.objects.filter(id__gte=floor_of(datetime.now(UTC) - within))
    return lately.filter(**{name: getattr(looked, name) for name in same}).exists()
