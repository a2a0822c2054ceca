"""Who was given what, where, by whom and until when: assignments and shares as rows of one kind, for people to read.

Decisions do not read these: `queries` asks the same tables for yes and no, and a property test compares the two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Now

from apps.rbac import decisions, protection
from apps.rbac.gates import found
from apps.rbac.guard import Principal
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import registry


class State(StrEnum):
    IN_FORCE = "in force"
    NOT_BEGUN = "not begun"
    EXPIRED = "expired"
    RETIRED = "role retired"  # the code declares no such role, or none that is given there


# Of what is not revoked; by the database's clock, as decisions go.
TIMING = Case(
    When(starts_at__gt=Now(), then=Value(State.NOT_BEGUN)),
    When(expires_at__lte=Now(), then=Value(State.EXPIRED)),
    default=Value(State.IN_FORCE),
)
LIVE, FIELDS = Q(revoked_at=None), ("user", "group")


@dataclass(frozen=True)
class Grant:
    """An assignment (`role` is its slug) or a share (no role) of one user or group at one place (a scope key)."""

    pk: Any
    to: Principal
    role: str
    permissions: frozenset[str]
    place: str
    state: State
    granted_by: AbstractBaseUser | None
    granted_at: datetime
    reason: str
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    called: str = ""  # the place's name, for who may view it

    @property
    def to_group(self) -> bool:
        return isinstance(self.to, Group)

    @property
    def what(self) -> str:
        return registry.label(self.role) if self.role else "Share"

    @property
    def listed(self) -> str:
        return ", ".join(sorted(self.permissions))

    @property
    def where(self) -> str:
        return self.called or self.place or "everything"


def assigned(condition: Q) -> list[Grant]:
    """Assignments, newest first. One query."""
    return list(map(of_row, assignments(condition)))


def assignments(condition: Q) -> QuerySet[RoleAssignment]:
    """The same as rows, each to be read by `of_row`."""
    rows = RoleAssignment.objects.filter(condition).annotate(timing=TIMING)
    return rows.select_related("user", "group", "granted_by", "role").order_by("-pk")


def of_row(row: Any) -> Grant:
    slug, fits = row.role_id, registry.is_given_for(row.role_id, row.scope_type)
    granted = registry.permissions(slug) if fits else frozenset(row.role.permissions)
    state = State(row.timing) if fits else State.RETIRED
    given = (row.granted_by, row.granted_at, row.reason, row.starts_at, row.expires_at)
    return Grant(row.pk, row.user or row.group, slug, granted, row.scope_key, state, *given)


def shared(*, user: decisions.AnyUser | None = None, obj: models.Model | None = None) -> list[Grant]:
    """Shares with a user or his groups, and of one object, as far as they are given. A query for each table."""
    every = [protection.concrete(obj)] if obj is not None else protection.protected_models()
    tables = [
        (table, name) for each in every for table, name in zip(protection.shares_of_model(each), FIELDS, strict=True)
    ]
    return [grant for table, name in tables if table for grant in of_shares(table, name, user, obj)]


def of_shares(table: Any, field: str, user: decisions.AnyUser | None, obj: models.Model | None) -> Iterator[Grant]:
    """One grant for all that one holder has on one object."""
    mine = Q() if user is None else Q(**{"user" if field == "user" else "group__user": user.pk})
    rows = table.objects.filter(mine, Q() if obj is None else Q(content_object=obj.pk))
    rows = rows.select_related(field, "granted_by", "permission__content_type")
    kind = protection.scope_type(table._meta.get_field("content_object").related_model)
    ordered = rows.order_by("content_object_id", f"{field}_id", "granted_at", "pk")
    for (key, _), given in groupby(ordered, lambda row: (row.content_object_id, getattr(row, f"{field}_id"))):
        first, *more = given
        granted = frozenset(map(name_of, [first, *more]))
        why = (State.IN_FORCE, first.granted_by, first.granted_at, first.reason)
        yield Grant(first.pk, getattr(first, field), "", granted, f"{kind}:{key}", *why)


def name_of(share: Any) -> str:
    return f"{share.permission.content_type.app_label}.{share.permission.codename}"


def at(place: str) -> models.Model:
    """The object that a scope key names. Raises LookupError."""
    kind, _, pk = place.strip().partition(":")
    model = next((each for each in protection.scope_models() if protection.scope_type(each) == kind.lower()), None)
    if model is None or (obj := found(model._base_manager.all(), pk)) is None:
        raise LookupError(f"There is no such object: {place!r}. Write app.model:id.")
    return obj


def somebody(text: str) -> Any:
    """The user with this address or key, or None."""
    users = get_user_model()._default_manager.all()
    return users.filter(**{f"{users.model.USERNAME_FIELD}__iexact": text}).first() or found(users, text)


def called(grants: Iterable[Grant], viewer: decisions.AnyUser) -> list[Grant]:
    """The same with the names of their places."""
    rows = list(grants)
    names = names_of((row.place for row in rows), viewer)
    return [replace(row, called=names.get(row.place, "")) for row in rows]


def names_of(keys: Iterable[str], viewer: decisions.AnyUser) -> dict[str, str]:
    """What places are called, for those that the viewer may view. One query for each kind of place."""
    names: dict[str, str] = {}
    for kind, places in groupby(sorted(set(keys) - {""}), lambda key: key.partition(":")[0]):
        model = apps.get_model(kind)
        there = model._base_manager.filter(pk__in=[key.partition(":")[2] for key in places])
        viewable = decisions.scoped(there, viewer, protection.permission_of(model, "view"))
        names |= {protection.scope_key(obj): str(obj) for obj in viewable}
    return names
