"""Why somebody may do something, or what is missing and who can give it: the reasons behind `decisions.check`.

It reads all rows that bear on the question and decides anew, so that a property test can compare the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q

from apps.rbac import administrators, decisions, guard, protection, queries
from apps.rbac.decisions import AnyUser
from apps.rbac.grants import Grant, State, reaching
from apps.rbac.roles import registry, slug_of

WAYS, GIVERS = 3, 5  # how many an explanation names


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
    """What would allow it: a role at a place, or a share (no role) of the object; `givers` are some who can give it."""

    role: str
    place: str
    givers: tuple[Any, ...]

    def __str__(self) -> str:
        what = f"The role {registry.roles[self.role].label}" if self.role else "A share"
        by = f"{', '.join(map(str, self.givers))} can give it" if self.givers else "nobody can give it"
        return f"{what} on {self.place or 'everything'} would allow it; {by}."


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

    def reasons(self) -> list[str]:
        """In plain words, the rule first."""
        return [str(self.rule), *(path(each, self) for each in self.grants), *map(str, self.ways)]

    def as_json(self) -> dict[str, Any]:
        asked = {"user": str(self.user), "permission": self.permission, "object": key_of(self.obj)}
        return {**asked, "allowed": self.allowed, "rule": self.rule.name.lower(), "reasons": self.reasons()}


def explain(user: AnyUser, permission: str, obj: models.Model | None = None) -> Decision:
    """Agrees with `check`. At most three queries."""
    if (rule := decided_without_rows(user, permission)) is not None:
        return Decision(user, permission, obj, rule)
    bearing = [each for each in reaching(obj, user) if permission in each.permissions]  # type: ignore[arg-type] # signed in
    if deciding := tuple(each for each in bearing if each.state is State.IN_FORCE):
        by_role = any(each.role for each in deciding)
        return Decision(user, permission, obj, Rule.ROLE if by_role else Rule.SHARE, deciding)
    return Decision(user, permission, obj, Rule.NOT_NOW if bearing else Rule.NOTHING, tuple(bearing))


def decided_without_rows(user: AnyUser, permission: str) -> Rule | None:
    if not user.is_authenticated:
        return Rule.NOBODY
    if not user.is_active:
        return Rule.INACTIVE
    if permission not in protection.known_permissions():
        return Rule.UNKNOWN
    return Rule.SUPERUSER if decisions.is_superuser(user) else None


def path(grant: Grant, decision: Decision) -> str:
    """user → group → role (given by, until) → inherited role → permission."""
    by = f"given by {grant.granted_by or 'the system'} on {grant.granted_at:%Y-%m-%d}"
    until = f", until {grant.expires_at:%Y-%m-%d %H:%M %Z}" if grant.expires_at else ""
    state = "" if grant.state is State.IN_FORCE else f", {grant.state}"
    steps = [str(decision.user), *([f"group {grant.holder}"] if grant.to_group else [])]
    steps.append(f"{grant.what} on {grant.where} ({by}{until}{state})")
    steps += lineage(grant.role, decision.permission)[1:]
    return " → ".join([*steps, decision.permission])


def lineage(slug: str, permission: str) -> tuple[str, ...]:
    """From a role down to the one that lists the permission, by the shortest way."""
    waiting: list[tuple[str, ...]] = [(slug,)] if slug in registry.roles else []
    while waiting:
        here = waiting.pop(0)
        role = registry.roles[here[-1]]
        if permission in role.permissions | registry.extensions.get(role.slug, set()):
            return here
        waiting += [(*here, junior) for each in role.inherits if (junior := slug_of(each)) not in here]
    return ()


def ways(user: AnyUser, permission: str, obj: models.Model | None) -> Iterator[Way]:
    """The narrowest first: a share, a role on the object, on its container, for everything; of roles, the smallest."""
    found = [("", key_of(obj))] if any(queries.shares_with(permission, obj)) else []
    for kind, key in [*protection.places(obj)[1:], protection.places(obj)[0]]:
        slugs = registry.granting(permission, kind)
        found += [(slug, key) for slug in sorted(slugs, key=lambda slug: len(registry.permissions(slug)))]
    for slug, key in found[:WAYS]:
        yield Way(slug, key, tuple(givers(user, permission, slug, scope_at(key, obj))))


def givers(user: AnyUser, permission: str, slug: str, scope: models.Model | None) -> Any:
    """Some whom the guard would let give it: by the same rules, asked of everybody at once."""
    wanted = registry.permissions(slug) if slug else frozenset({permission})
    shares = protection.share_permission(scope) if scope is not None else ""
    gives = decisions.holding(shares, scope) if shares in protection.known_permissions() else Q(pk__in=[])
    holds = Q()
    for each in wanted:
        holds &= decisions.holding(each, scope)
    if slug:
        gives, holds = (
            gives | decisions.holding(administrators.MANAGE, None),
            holds | decisions.holding(guard.BIND, None),
        )
    users = get_user_model()._default_manager.filter(gives & holds, is_active=True)
    return users.exclude(pk__in=[user.pk]).order_by("pk")[:GIVERS]


def scope_at(key: str, obj: models.Model | None) -> models.Model | None:
    """The object or its container, known by its key alone."""
    if obj is None or not key or key == protection.scope_key(obj):
        return obj if key else None
    field = protection.container_field(obj)
    return field.related_model(pk=getattr(obj, field.attname)) if field else None


def key_of(obj: models.Model | None) -> str:
    return protection.scope_key(obj) if obj is not None else ""
