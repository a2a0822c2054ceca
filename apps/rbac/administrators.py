"""Somebody has to be able to give roles: the last who can is not let go.

Who may manage roles for good is worth more than who may for a time: a change that leaves nobody of the better kind is
refused too, or the site would lose its administrators by waiting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q

from apps.rbac import queries
from apps.rbac.errors import LastAdministrator
from apps.rbac.models import AssignmentQuerySet, DeclaredRole, RoleAssignment
from apps.rbac.roles import GLOBAL, registry

MANAGE = "rbac.manage"


@contextmanager
def kept(slug: str) -> Iterator[None]:
    """The role is taken from somebody, inside a transaction. Raises LastAdministrator."""
    before = locked_strength() if slug in roles() else 0
    yield
    refuse_if_fewer(before)


def locked_strength() -> int:
    """The strength before a change, which nobody else changes until the transaction ends. Lock people first."""
    queries.hold(DeclaredRole, roles())
    return strength()


def refuse_if_fewer(before: int, **apart: Any) -> None:
    if before and strength(**apart) < before:
        raise LastAdministrator(
            "Nobody would be left who may give roles for good. Give somebody else the role of an administrator first."
        )


def strength(without: Any = None, demoted: Any = None) -> int:
    """2: somebody may manage roles for good; 1: for a time; 0: nobody may.

    Not counted: the user `without`, and that `demoted` is a superuser; both are primary keys.
    """
    people = get_user_model()._default_manager.filter(is_active=True).exclude(pk=without)
    for worth, assignments in ((2, given().filter(expires_at=None)), (1, given())):
        if people.filter(holding(assignments, demoted)).exists():
            return worth
    return 0


def includes(user_pk: Any) -> bool:
    return get_user_model()._default_manager.filter(holding(given()), pk=user_pk, is_active=True).exists()


def given() -> AssignmentQuerySet:
    return RoleAssignment.objects.in_force().filter(role__in=roles(), scope_key="")


def holding(assignments: AssignmentQuerySet, demoted: Any = None) -> Q:
    return assignments.holders() | (Q(is_superuser=True) & ~Q(pk=demoted) if settings.RBAC_SUPERUSER else Q())


def roles() -> tuple[str, ...]:
    return registry.granting(MANAGE, GLOBAL)
