"""Who was given what, where, by whom and until when: assignments and shares as rows of one kind, for people to read.

Decisions do not read these: `queries` asks the same tables for yes and no, and a property test compares the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Now

from apps.rbac import protection
from apps.rbac.guard import Principal
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import registry
from apps.rbac.sharing import name_of


class State(StrEnum):
    IN_FORCE = "in force"
    NOT_BEGUN = "not begun"
    EXPIRED = "expired"
    REVOKED = "revoked"
    RETIRED = "role retired"  # the code declares no such role, or none that is given there


# By the database's clock, as decisions go.
TIMING = Case(
    When(revoked_at__isnull=False, then=Value(State.REVOKED)),
    When(starts_at__gt=Now(), then=Value(State.NOT_BEGUN)),
    When(expires_at__lte=Now(), then=Value(State.EXPIRED)),
    default=Value(State.IN_FORCE),
)


@dataclass(frozen=True)
class Grant:
    """An assignment (`role` is its slug) or a share (no role) of one user or group at one place (a scope key)."""

    pk: Any
    holder: Principal
    role: str
    permissions: frozenset[str]
    place: str
    state: State
    granted_by: AbstractBaseUser | None
    granted_at: datetime
    reason: str
    starts_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.state is not State.REVOKED

    @property
    def to_group(self) -> bool:
        return isinstance(self.holder, Group)

    @property
    def what(self) -> str:
        if not self.role:
            return "Share"
        return registry.roles[self.role].label if self.role in registry.roles else self.role

    @property
    def where(self) -> str:
        return self.place or "everything"


def assignments(condition: Q) -> QuerySet[RoleAssignment]:
    """With what `of_row` reads, newest first."""
    rows = RoleAssignment.objects.filter(condition).annotate(timing=TIMING)
    return rows.select_related("user", "group", "granted_by", "role").order_by("-granted_at", "-id")


def of_row(row: Any) -> Grant:
    """The grant that an annotated assignment makes."""
    fits = registry.is_given_for(row.role_id, row.scope_type)
    return Grant(
        row.pk,
        row.user or row.group,
        row.role_id,
        registry.permissions(row.role_id) if fits else frozenset(row.role.permissions),
        row.scope_key,
        State(row.timing) if fits or row.revoked_at else State.RETIRED,
        row.granted_by,
        row.granted_at,
        row.reason,
        row.starts_at,
        row.expires_at,
    )


def theirs(user: models.Model) -> Q:
    """What a user has: his own and his groups'."""
    return Q(user=user.pk) | Q(group__in=Group.objects.filter(user=user.pk))


def assigned_to(user: models.Model, *, live: bool = True) -> list[Grant]:
    """Roles of a user, by groups too. One query."""
    return [of_row(row) for row in assignments(theirs(user) & (Q(revoked_at=None) if live else Q()))]


def reaching(obj: models.Model | None, user: models.Model | None = None) -> list[Grant]:
    """All live assignments and shares that lie where they reach `obj` (none: everywhere); those of `user`, if given.

    One query, and one for each table of shares.
    """
    whose = theirs(user) if user else Q()
    keys = [key for _, key in protection.places(obj)]
    found = [of_row(row) for row in assignments(whose & Q(revoked_at=None, scope_key__in=keys))]
    if obj is not None:
        for model, field in zip(protection.shares_for(obj), ("user", "group"), strict=True):
            if model is not None:
                mine = Q() if user is None else Q(user=user.pk) if field == "user" else Q(group__user=user.pk)
                found += shares(model.objects.filter(mine, content_object=obj.pk), field)
    return found


def shares_with(user: models.Model) -> list[Grant]:
    """What others shared with a user or his groups. One query for each table of shares."""
    found: list[Grant] = []
    for protected in protection.protected_models():
        for model, field in zip(protection.shares_for(protected), ("user", "group"), strict=True):
            if model is not None:
                mine = Q(user=user.pk) if field == "user" else Q(group__user=user.pk)
                found += shares(model.objects.filter(mine), field)
    return found


def shares(rows: QuerySet[Any], field: str) -> Iterable[Grant]:
    """Rows of shares, one grant for all that one holder has on one object."""
    by_place: dict[tuple[Any, Any], list[Any]] = {}
    for row in rows.select_related(field, "granted_by", "permission__content_type").order_by("granted_at", "id"):
        by_place.setdefault((getattr(row, f"{field}_id"), row.content_object_id), []).append(row)
    for (_, key), given in by_place.items():
        first = given[0]
        place = f"{protection.scope_type(first._meta.get_field('content_object').related_model)}:{key}"
        permissions = frozenset(map(name_of, given))
        holder, by, when = getattr(first, field), first.granted_by, first.granted_at
        yield Grant(first.pk, holder, "", permissions, place, State.IN_FORCE, by, when, first.reason)
