"""The rules that whoever gives or takes rights is held to: shares and roles, from pages, commands and code alike.

A refusal is told as `grant_refused`, with the rule that spoke, and raised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models, transaction

from apps.rbac import direct_writes, errors, memo, protection, queries, signals
from apps.rbac.administrators import MANAGE
from apps.rbac.queries import FOREVER
from apps.rbac.roles import registry

type Principal = AbstractBaseUser | Group

BIND = "rbac.bind_role"


@dataclass(frozen=True)
class Change:
    """One change of rights under way, and what the database says of the people in it now that their rows are locked."""

    by: AbstractBaseUser | None
    to: Principal
    scope: models.Model | None
    people: dict[Any, tuple[bool, bool]]  # whether active, and superuser: the grantor, and who gets it

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
                raise errors.SelfGrant(
                    f"You are in the group {self.to}: nobody changes rights of his own. Ask another."
                )
        elif self.by is not None and self.by.pk == self.to.pk:
            raise errors.SelfGrant("Nobody changes rights of his own. Ask another who may.")

    def refuse_inactive(self) -> None:
        if not isinstance(self.to, Group) and not self.people[self.to.pk][0]:
            raise errors.InactiveRecipient(f"{self.to} can't sign in: the account is not active. Activate it first.")

    def refuse_unless_allowed(
        self, wanted: frozenset[str], until: datetime | None = None, *, is_role: bool = True
    ) -> None:
        """To give a role or share of these permissions until then, and no longer than one has it oneself.

        Without `until` to take it, which has no term.
        """
        ends = self.ends(wanted, is_role=is_role)
        if ends[""] is None:
            refusal = f"You may not give or take roles here. It takes {MANAGE}."
            raise errors.MayNotGrant(refusal if is_role else "You may not share this.")
        self.refuse_own()
        if missing := [name for name, end in ends.items() if end is None]:
            raise errors.BeyondOwn(f"You do not hold this yourself: {', '.join(missing)}.")
        if until is None:
            return
        self.refuse_inactive()
        first = min(filter(None, ends.values()))
        if first < until:
            raise errors.BeyondTerm(
                f"Your own right ends on {first:%Y-%m-%d at %H:%M %Z}. Give it until then at the latest."
            )

    def ends(self, wanted: frozenset[str], *, is_role: bool) -> dict[str, datetime | None]:
        """When the right to give at all ends, as "", and each of those that are given; None: he has it not.

        Roles are given by who manages roles, on an object also by who may share it. As in Kubernetes: hold what you
        give, or for roles the permission to bind what you do not hold.
        """
        may = self.end_of(*(MANAGE,) * is_role, protection.share_permission(self.scope))
        return {"": may, **{name: self.end_of(name, *(BIND,) * is_role) for name in sorted(wanted)}}

    def end_of(self, *either: str) -> datetime | None:
        """When the last of these that the grantor holds ends; None if he holds none."""
        return max((self.rights[name] for name in either if name in self.rights), default=None)


@contextmanager
def granting(
    by: AbstractBaseUser | None, to: Principal, scope: models.Model | None = None, **details: Any
) -> Iterator[Change]:
    """One change of rights: whole or not at all, one at a time for all who are in it, and told if it is refused."""
    target = scope if scope is not None else to
    with telling(target, to=to, **details), transaction.atomic(), direct_writes.by_service():
        change = locked(by, to, scope)
        memo.forget()  # who asked before it had the lock may have lost the right meanwhile
        yield change
    memo.forget()


@contextmanager
def telling(target: models.Model, **details: Any) -> Iterator[None]:
    """Tell of a refusal, once: an inner block may have."""
    try:
        yield
    except errors.GrantRefused as refused:
        if not refused.told:
            refused.told = True
            told = {"to": target, **details, "rule": type(refused).__name__, "reason": str(refused)}
            signals.tell(signals.grant_refused, target=target, outcome="denied", **told)
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
        raise errors.NotGrantable(f"{to} is gone.")
    return Change(by, to, scope, found)


def lock(target: models.Model) -> None:
    if not queries.hold(protection.concrete(target), [target.pk]):
        raise errors.NotGrantable(f"{target} is gone.")


def lock_people(keys: set[Any]) -> dict[Any, tuple[bool, bool]]:
    """Whether each is active, and a superuser, by primary key."""
    return queries.hold(get_user_model(), keys, "is_active", "is_superuser")


def principal(to: Principal) -> dict[str, Any]:
    return {"group" if isinstance(to, Group) else "user": to}
