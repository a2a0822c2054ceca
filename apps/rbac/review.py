"""The review and advanced review functions of ANSI INCITS 359, core and hierarchical, under the standard's names.

*Assigned* is who was given a role, directly or by a group; *authorized* counts inheritance too. The standard knows no
scopes and no terms. Here an assignment counts while it is in force, wherever its scope is; and a permission is a pair
of a name and a place (a scope key, "" for everything), as it is one of an operation and an object in the standard.
An inactive account keeps its roles, and may do nothing. Shares count in `user_operations_on_object` alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from apps.rbac import decisions, protection
from apps.rbac.assignments import AnyRole
from apps.rbac.models import RoleAssignment, held_by
from apps.rbac.roles import registry, slug_of

type Held = tuple[str, str]  # permission, place


def assigned_users(role: AnyRole) -> QuerySet[Any]:
    """AssignedUsers. Raises UnknownRole, as all functions on a role do."""
    return users_with({registry.get(slug_of(role)).slug})


def authorized_users(role: AnyRole) -> QuerySet[Any]:
    """AuthorizedUsers: whoever has the role, or one that inherits from it."""
    return users_with(registry.seniors(registry.get(slug_of(role)).slug))


def users_with(slugs: set[str]) -> QuerySet[Any]:
    given = RoleAssignment.objects.in_force().filter(role__in=slugs)
    return get_user_model()._default_manager.filter(given.holders())


def assigned_roles(user: AbstractBaseUser) -> frozenset[str]:
    """AssignedRoles. One query."""
    return frozenset(slug for slug, _ in places_of(user))


def authorized_roles(user: AbstractBaseUser) -> frozenset[str]:
    """AuthorizedRoles: those assigned, and those that they inherit from."""
    return registry.authorized(assigned_roles(user))


def places_of(user: AbstractBaseUser) -> set[Held]:
    """Slug and place of each assignment in force that its role, as the code declares it now, allows."""
    rows = RoleAssignment.objects.in_force().filter(held_by(user)).values_list("role", "scope_key", "scope_type")
    return {(slug, key) for slug, key, kind in rows if registry.is_given_for(slug, kind)}


def roles_of(users: Iterable[Any]) -> list[tuple[Any, dict[str, str]]]:
    """Many at once, each with the roles in force, and where: "everything", or in how many places. Two queries."""
    held: dict[Any, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    theirs_or_groups = Q(user__in=users) | Q(group__user__in=users)
    rows = RoleAssignment.objects.in_force().filter(theirs_or_groups).annotate(holder=Coalesce("user", "group__user"))
    for holder, slug, key in rows.values_list("holder", "role", "scope_key"):
        held[holder][slug].add(key)
    where = {pk: {s: "everything" if "" in at else str(len(at)) for s, at in of.items()} for pk, of in held.items()}
    return [(user, where.get(user.pk, {})) for user in users]


def ssd_role_sets() -> frozenset[str]:
    """SsdRoleSets: the names of the sets of roles that nobody may hold `n` or more of."""
    return frozenset(registry.ssd)


def ssd_role_set_roles(name: str) -> frozenset[str]:
    """SsdRoleSetRoles. Raises KeyError for a name that no set has, as the following three do."""
    return registry.ssd[name].roles


def ssd_role_set_cardinality(name: str) -> int:
    """SsdRoleSetCardinality: the standard's n."""
    return registry.ssd[name].n


def dsd_role_sets() -> frozenset[str]:
    """DsdRoleSets: the same for the roles of one session."""
    return frozenset(registry.dsd)


def dsd_role_set_roles(name: str) -> frozenset[str]:
    """DsdRoleSetRoles."""
    return registry.dsd[name].roles


def dsd_role_set_cardinality(name: str) -> int:
    """DsdRoleSetCardinality."""
    return registry.dsd[name].n


def role_permissions(role: AnyRole) -> frozenset[str]:
    """RolePermissions: its own, what apps added, and what it inherits."""
    return registry.permissions(registry.get(slug_of(role)).slug)


def user_permissions(user: AbstractBaseUser) -> frozenset[Held]:
    """UserPermissions: all that roles give, each with its place."""
    given = places_of(user) if user.is_active else set()
    return frozenset((permission, key) for slug, key in given for permission in registry.permissions(slug))


def role_operations_on_object(role: AnyRole, obj: models.Model) -> frozenset[str]:
    """RoleOperationsOnObject: permissions of its kind that the role gives where it reaches the object."""
    reached = {kind for kind, _ in protection.places(obj)}
    given = role_permissions(role) if registry.get(slug_of(role)).scope.lower() in reached else frozenset()
    return given & protection.permissions_on(protection.concrete(obj))


def user_operations_on_object(user: AbstractBaseUser, obj: models.Model) -> frozenset[str]:
    """UserOperationsOnObject: what `check` allows on it. Three queries."""
    return protection.permissions_on(protection.concrete(obj)) & decisions.permissions_of(user, obj)
