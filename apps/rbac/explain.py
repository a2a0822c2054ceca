"""Why somebody may do something, or what is missing and who can give it: the reasons behind `decisions.check`.

It reads all rows that bear on the question and decides anew, so that a property test can compare the two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q, QuerySet

from apps.rbac import administrators, constraints, decisions, grants, guard, protection, sessions
from apps.rbac.decisions import AnyUser
from apps.rbac.grants import LIVE, Grant, State
from apps.rbac.models import held_by
from apps.rbac.queries import FOREVER
from apps.rbac.roles import registry, slug_of
from apps.rbac.sql import shares_with

WAYS, GIVERS = 3, 5  # how many an explanation names
ASKED = 20  # how many people it asks for the end of their rights

type Names = Mapping[str, str]  # scope key: what the place is called
NO_NAMES: Names = {}


class Rule(StrEnum):
    """What decided."""

    ROLE = "Allowed by a role."
    SHARE = "Allowed by a share."
    SUPERUSER = "Allowed: a superuser may do everything that has a name."
    NOBODY = "Refused: not signed in."
    INACTIVE = "Refused: the account is not active, and holds nothing."
    UNKNOWN = "Refused: no installed model declares this permission. Is it misspelled?"
    NOT_NOW = "Refused: what would allow it is not in force."
    NOTHING = "Refused: no role and no share allows it."


@dataclass(frozen=True)
class Way:
    """What would allow it: a role at a place, or a share (no role) of the object.

    `givers`: some who can give it, each with the end of his own right. `forbidden`: the SSD set that it would break.
    """

    role: str
    place: str
    givers: Mapping[Any, datetime]
    forbidden: str = ""

    def words(self, names: Names) -> str:
        what = f"The role {registry.label(self.role)}" if self.role else "A share"
        ends = {who: f" (until {end:%Y-%m-%d %H:%M %Z})" * (end < FOREVER) for who, end in self.givers.items()}
        by = f"{', '.join(f'{who}{end}' for who, end in ends.items()) or 'nobody'} can give it"
        if self.forbidden:
            by = f"the separation of duty {self.forbidden!r} forbids it beside what is held"
        return f"{what} on {where(self.place, names)} would allow it; {by}."


@dataclass(frozen=True)
class Decision:
    """`grants`: what decided, or would if it were in force."""

    user: AnyUser
    permission: str
    obj: models.Model | None
    rule: Rule
    grants: tuple[Grant, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.rule in (Rule.ROLE, Rule.SHARE, Rule.SUPERUSER)

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """After a refusal, the nearest ones to allow it. A query for each."""
        lacking = self.rule in (Rule.NOT_NOW, Rule.NOTHING)
        return tuple(ways(self.user, self.permission, self.obj)) if lacking else ()

    def reasons(self, names: Names = NO_NAMES) -> list[str]:
        """In plain words, the rule first. `names`: what places are called, for who may know."""
        paths = [path(each, self, names) for each in self.grants]
        return [str(self.rule), *paths, *(way.words(names) for way in self.ways)]

    def as_json(self) -> dict[str, Any]:
        asked = {"user": str(self.user), "permission": self.permission, "object": protection.scope_key(self.obj)}
        return {**asked, "allowed": self.allowed, "rule": self.rule.name.lower(), "reasons": self.reasons()}


def explain(user: AnyUser, permission: str, obj: models.Model | None = None) -> Decision:
    """Agrees with `check`. At most three queries."""
    if (rule := decided_without_rows(user, permission)) is not None:
        return Decision(user, permission, obj, rule)
    here = held_by(user) & LIVE & Q(scope_key__in=[key for _, key in protection.places(obj)])
    given = grants.assigned(here) + (grants.shared(user=user, obj=obj) if obj is not None else [])
    bearing = tuple(each for each in given if permission in each.permissions)
    if deciding := tuple(each for each in bearing if each.state is State.IN_FORCE and in_use(each, user, permission)):
        return Decision(user, permission, obj, Rule.ROLE if deciding[0].role else Rule.SHARE, deciding)
    return Decision(user, permission, obj, Rule.NOT_NOW if bearing else Rule.NOTHING, bearing)


def in_use(grant: Grant, user: AnyUser, permission: str) -> bool:
    """Whether the role is active in the session of this request, or need not be."""
    return not grant.role or permission in sessions.permissions_in_use(grant.role, user.pk)


def decided_without_rows(user: AnyUser, permission: str) -> Rule | None:
    if not user.is_authenticated:
        return Rule.NOBODY
    if not user.is_active:
        return Rule.INACTIVE
    if permission not in protection.known_permissions():
        return Rule.UNKNOWN
    return Rule.SUPERUSER if decisions.is_superuser(user) else None


def path(grant: Grant, decision: Decision, names: Names) -> str:
    """user → group → role (given by, until) → inherited role → permission."""
    by = f"given by {grant.granted_by or 'the system'} on {grant.granted_at:%Y-%m-%d}"
    until = f", until {grant.expires_at:%Y-%m-%d %H:%M %Z}" if grant.expires_at else ""
    idle = "" if in_use(grant, decision.user, decision.permission) else ", not activated"
    state = idle if grant.state is State.IN_FORCE else f", {grant.state}"
    steps = [str(decision.user), *([f"group {grant.to}"] if grant.to_group else [])]
    steps.append(f"{grant.what} on {where(grant.place, names)} ({by}{until}{state})")
    steps += lineage(grant.role, decision.permission)[1:]
    return " → ".join([*steps, decision.permission])


def lineage(slug: str, permission: str) -> tuple[str, ...]:
    """From a role down to the one that lists the permission, by the shortest way."""
    waiting: list[tuple[str, ...]] = [(slug,)] if slug in registry.roles else []
    while waiting:
        here = waiting.pop(0)
        if permission in registry.own(here[-1]):
            return here
        waiting += [(*here, slug_of(each)) for each in registry.roles[here[-1]].inherits if slug_of(each) not in here]
    return ()


def ways(user: AnyUser, permission: str, obj: models.Model | None) -> Iterator[Way]:
    """The narrowest first: a share, a role on the object, on its container, for everything; of roles, the smallest."""
    near = [("", protection.scope_key(obj))] if obj is not None and any(shares_with(permission, obj)) else []
    for kind, key in [*protection.places(obj)[1:], protection.places(obj)[0]]:
        slugs = registry.granting(permission, kind)
        near += [(slug, key) for slug in sorted(slugs, key=lambda slug: len(registry.permissions(slug)))]
    for slug, key in near[:WAYS]:
        if forbidden := constraints.forbidding(user, slug):
            yield Way(slug, key, {}, forbidden.name)
        else:
            yield Way(slug, key, givers(user, slug, permission, scope_at(key, obj)))


def givers(user: AnyUser, slug: str, permission: str, scope: models.Model | None) -> dict[Any, datetime]:
    """Some whom the guard would let give the role or share, but for the user, and until when: a share has no end."""
    wanted = registry.permissions(slug) if slug else frozenset({permission})
    people = holders(user, wanted, scope, is_role=bool(slug))[:ASKED]
    ends = ((who, end_for(who, wanted, scope, is_role=bool(slug))) for who in people)
    return dict(islice(((who, end) for who, end in ends if slug or end == FOREVER), GIVERS))


def end_for(giver: Any, wanted: frozenset[str], scope: models.Model | None, *, is_role: bool) -> datetime:
    """As long as he may give at all, and holds each of it: by the guard's own reckoning."""
    change = guard.Change(giver, giver, scope, {giver.pk: (True, giver.is_superuser)})
    return min(filter(None, change.ends(wanted, is_role=is_role).values()))


def holders(user: AnyUser, wanted: frozenset[str], scope: models.Model | None, *, is_role: bool) -> QuerySet[Any]:
    """Who has now what the guard asks of a giver, asked of everybody at once."""
    shares = protection.share_permission(scope)
    gives = decisions.holding(shares, scope) if shares in protection.known_permissions() else Q(pk__in=[])
    holds = Q()
    for each in wanted:
        holds &= decisions.holding(each, scope)
    if is_role:
        gives |= decisions.holding(administrators.MANAGE, scope)
        holds |= decisions.holding(guard.BIND, scope)
    people = get_user_model()._default_manager.filter(gives & holds, is_active=True)
    return people.exclude(pk__in=[user.pk]).order_by("pk")


def scope_at(key: str, obj: models.Model | None) -> models.Model | None:
    """The object or its container, known by its key alone."""
    if obj is None or not key or key == protection.scope_key(obj):
        return obj if key else None
    field = protection.container_field(obj)
    return field.related_model(pk=getattr(obj, field.attname)) if field else None


def where(place: str, names: Names) -> str:
    return f"“{names[place]}”" if place in names else place or "everything"
