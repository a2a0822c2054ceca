"""The rules that whoever gives or takes rights is held to: shares and roles, from pages, commands and code alike.

A refusal is told as `grant_refused`, with the rule that spoke, and raised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models, transaction

from apps.rbac import direct_writes, memo, protection, queries, signals
from apps.rbac.administrators import MANAGE
from apps.rbac.errors import (
    BeyondOwn,
    BeyondTerm,
    GrantRefused,
    InactiveRecipient,
    MayNotGrant,
    NotGrantable,
    SelfGrant,
)
from apps.rbac.queries import FOREVER
from apps.rbac.roles import registry

type Principal = AbstractBaseUser | Group

BIND = "rbac.bind_role"


class Standing(NamedTuple):
    active: bool
    superuser: bool


@dataclass(frozen=True)
class Change:
    """One change of rights under way, and what the database says of the people in it now that their rows are locked."""

    by: AbstractBaseUser | None
    to: Principal
    scope: models.Model | None
    people: dict[Any, Standing]  # by primary key: the grantor, and who gets it

    @cached_property
    def rights(self) -> dict[str, datetime]:
        """What the grantor holds here, each permission with the moment at which it ends."""
        active, superuser = self.people.get(self.by and self.by.pk, (False, False))
        if self.by is None or not active:
            return {}
        if settings.RBAC_SUPERUSER and superuser:
            return dict.fromkeys(protection.known_permissions(), FOREVER)
        return queries.granted(self.by.pk, self.scope)

    def refuse_own(self) -> None:
        if isinstance(self.to, Group):
            if self.by is not None and queries.members([self.to]).filter(pk=self.by.pk).exists():
                raise SelfGrant(f"You are in the group {self.to}: nobody changes rights of his own. Ask another.")
        elif self.by is not None and self.by.pk == self.to.pk:
            raise SelfGrant("Nobody changes rights of his own. Ask another who may.")

    def refuse_inactive(self) -> None:
        if not isinstance(self.to, Group) and not self.people[self.to.pk].active:
            raise InactiveRecipient(f"{self.to} can't sign in: the account is not active. Activate it first.")

    def refuse_unless_sharer(self, until: datetime | None = None) -> None:
        self.refuse_unless_held((self.share_permission,), until, "You may not share this.")

    def refuse_unless_manager(self, until: datetime | None = None) -> None:
        """Roles are given by who manages roles; on an object also by who may share it."""
        refusal = f"You may not give or take roles here. It takes {MANAGE}."
        self.refuse_unless_held((MANAGE, self.share_permission), until, refusal)

    def refuse_unless_held(self, either: tuple[str, ...], until: datetime | None, refusal: str) -> None:
        end = self.end_of(*either)
        if end is None:
            raise MayNotGrant(refusal)
        refuse_later(until, end)

    def refuse_beyond_own(
        self, wanted: frozenset[str], until: datetime | None = None, *, bindable: bool = False
    ) -> None:
        """As in Kubernetes: hold it, or hold the permission to bind what one does not hold."""
        ends = {name: self.end_of(name, *(BIND,) * bindable) for name in sorted(wanted)}
        if missing := [name for name, end in ends.items() if end is None]:
            raise BeyondOwn(f"You do not hold this yourself: {', '.join(missing)}.")
        for end in ends.values():
            refuse_later(until, end)

    def end_of(self, *either: str) -> datetime | None:
        """When the last of these that the grantor holds ends; None if he holds none."""
        return max((self.rights[name] for name in either if name in self.rights), default=None)

    @property
    def share_permission(self) -> str:
        return protection.share_permission(self.scope) if self.scope is not None else ""


def refuse_later(until: datetime | None, end: datetime | None) -> None:
    """Nobody gives for longer than he has. Taking has no term: `until` is None."""
    if until and end and end < until:
        raise BeyondTerm(f"Your own right ends on {end:%Y-%m-%d at %H:%M %Z}. Give it until then at the latest.")


@contextmanager
def granting(
    by: AbstractBaseUser | None, to: Principal, scope: models.Model | None = None, **details: Any
) -> Iterator[Change]:
    """One change of rights: whole or not at all, one at a time for all who are in it, and told if it is refused."""
    target = scope if scope is not None else to
    with telling(target, to=str(to), **details), transaction.atomic(), direct_writes.by_service():
        change = locked(by, to, scope)
        memo.forget()  # who asked before it had the lock may have lost the right meanwhile
        yield change
    memo.forget()


@contextmanager
def telling(target: models.Model, **details: Any) -> Iterator[None]:
    """Tell of a refusal, once: an inner block may have."""
    try:
        yield
    except GrantRefused as refused:
        if not refused.told:
            refused.told = True
            told = {"to": str(target), **details, "rule": type(refused).__name__, "reason": str(refused)}
            signals.tell(signals.grant_refused, sender=type(target), target=target, outcome="denied", **told)
        raise


def locked(by: AbstractBaseUser | None, to: Principal, scope: models.Model | None) -> Change:
    """Hold their rows until the transaction ends, in one order: object, group, people (SQLite has one writer anyway).

    The grantor's too: while he gives, nobody takes from him what he gives by. Raises NotGrantable if one is gone.
    """
    if scope is not None:
        lock(scope)
    people = {by.pk} if by is not None else set()
    if isinstance(to, Group):
        lock(to)
        people |= set(queries.members([to])) if registry.ssd else set()
    else:
        people.add(to.pk)
    found = lock_people(people)
    if not isinstance(to, Group) and to.pk not in found:
        raise NotGrantable(f"{to} is gone.")
    return Change(by, to, scope, found)


def lock(target: models.Model) -> None:
    if not queries.hold(protection.concrete(target), [target.pk]):
        raise NotGrantable(f"{target} is gone.")


def lock_people(keys: set[Any]) -> dict[Any, Standing]:
    found = queries.hold(get_user_model(), keys, "is_active", "is_superuser")
    return {pk: Standing(*said) for pk, said in found.items()}


def principal(to: Principal) -> dict[str, Any]:
    return {"group" if isinstance(to, Group) else "user": to}
