"""The rules that whoever gives or takes rights is held to: shares and roles, from pages, commands and code alike.

A refusal is told as `grant_refused`, with the rule that spoke, and raised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models, transaction

from apps.rbac import decisions, direct_writes, memo, protection, signals
from apps.rbac.errors import BeyondOwn, GrantRefused, InactiveRecipient, MayNotGrant, NotGrantable, SelfGrant

type Principal = AbstractBaseUser | Group

MANAGE, BIND = "rbac.manage", "rbac.bind_role"


@contextmanager
def granting(target: models.Model, **details: Any) -> Iterator[None]:
    """One change of rights: whole or not at all, one at a time on `target`, and told about if it is refused."""
    try:
        with transaction.atomic(), direct_writes.by_service():
            lock(target)
            memo.forget()  # who asked before it had the lock may have lost the right meanwhile
            yield
    except GrantRefused as refused:
        details["rule"] = type(refused).__name__
        signals.tell(
            signals.grant_refused,
            sender=type(target),
            target=target,
            outcome="denied",
            reason=str(refused),
            **details,
        )
        raise
    memo.forget()


def lock(target: models.Model) -> None:
    """Hold the row until the transaction ends, where the database can (SQLite has one writer anyway)."""
    if not protection.concrete(target)._base_manager.select_for_update().filter(pk=target.pk).values("pk"):
        raise NotGrantable(f"{target} is gone.")


def refuse_own(by: AbstractBaseUser, to: Principal) -> None:
    if isinstance(to, Group):
        if get_user_model()._default_manager.filter(pk=by.pk, groups=to).exists():
            raise SelfGrant(f"You are in the group {to}: nobody changes rights of his own.")
    elif by.pk == to.pk:
        raise SelfGrant("Nobody changes rights of his own.")


def refuse_inactive(to: Principal) -> None:
    if not isinstance(to, Group) and not to.is_active:
        raise InactiveRecipient(f"{to} can't sign in: the account is not active.")


def refuse_unless_sharer(by: AbstractBaseUser, obj: models.Model) -> None:
    if not decisions.check(by, protection.share_permission(obj), obj):
        raise MayNotGrant("You may not share this.")


def refuse_unless_manager(by: AbstractBaseUser, scope: models.Model | None) -> None:
    """Roles are given by who manages roles; on an object also by who may share it."""
    permission = protection.share_permission(scope) if scope is not None else ""
    shares = permission in protection.known_permissions() and decisions.check(by, permission, scope)
    if not shares and not decisions.check(by, MANAGE):
        raise MayNotGrant("You may not give or take roles here.")


def refuse_beyond_own(by: AbstractBaseUser, wanted: frozenset[str], obj: models.Model | None) -> None:
    """As in Kubernetes: hold it, or hold the permission to bind what one does not hold."""
    if missing := wanted - decisions.permissions_of(by, obj):
        raise BeyondOwn(f"You do not hold this yourself: {', '.join(sorted(missing))}.")


def may_bind(by: AbstractBaseUser) -> bool:
    return decisions.check(by, BIND)
