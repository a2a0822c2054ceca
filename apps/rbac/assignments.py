"""Roles: given to a user or group, for everything, for a container or for one object, and taken back."""

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from apps.rbac import guard, protection, signals
from apps.rbac.errors import AlreadyAssigned, NotGrantable
from apps.rbac.guard import Principal
from apps.rbac.models import AssignmentQuerySet, RoleAssignment
from apps.rbac.roles import Role, registry, slug_of

type AnyRole = type[Role] | str


def assign_role(
    by: AbstractBaseUser,
    role: AnyRole,
    to: Principal,
    scope: models.Model | None = None,
    *,
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    reason: str = "",
) -> RoleAssignment:
    """Give the role to `to`, on `scope` if the role is one for objects. Given already: that assignment, unchanged.

    Raises GrantRefused: `by` needs "rbac.manage" (or may share `scope`), and all that the role grants there or
    "rbac.bind_role"; not for himself or a group he is in; not for an inactive account. Raises UnknownRole.
    """
    slug = slug_of(role)
    with guard.granting(scope or to, to=str(to), role=slug):
        refuse_wrong_scope(slug, scope)
        refuse_unless_allowed(by, slug, to, scope)
        guard.refuse_inactive(to)
        return give(slug, to, scope, by, starts_at, expires_at, reason)


def revoke_role(
    by: AbstractBaseUser, role: AnyRole, to: Principal, scope: models.Model | None = None, *, reason: str = ""
) -> bool:
    """Take the role back, and return whether there was one. Raises GrantRefused as `assign_role` does."""
    slug = slug_of(role)
    with guard.granting(scope or to, to=str(to), role=slug):
        refuse_unless_allowed(by, slug, to, scope)
        return take(slug, to, scope, by, reason)


def assign_role_as_system(
    role: AnyRole,
    to: Principal,
    scope: models.Model | None = None,
    *,
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    reason: str,
) -> RoleAssignment:
    """Give a role where no person does: on sign-up, in commands, in tests. Held to no rule but the role's scope.

    Never on behalf of a request: it does not ask whether anybody may.
    """
    slug = slug_of(role)
    with guard.granting(scope or to, to=str(to), role=slug):
        refuse_wrong_scope(slug, scope)
        return give(slug, to, scope, None, starts_at, expires_at, reason)


def assign_creator(role: AnyRole, user: AbstractBaseUser, obj: models.Model) -> RoleAssignment:
    """Give who has just made `obj` a role on it. Once: raises AlreadyAssigned if anybody has, or had, one."""
    slug = slug_of(role)
    with guard.granting(obj, to=str(user), role=slug):
        refuse_wrong_scope(slug, obj)
        guard.refuse_inactive(user)
        if RoleAssignment.objects.filter(scope_key=protection.scope_key(obj)).exists():
            raise AlreadyAssigned(f"{obj} is somebody's already.")
        return give(slug, user, obj, user, None, None, "made it")


def refuse_unless_allowed(by: AbstractBaseUser, slug: str, to: Principal, scope: models.Model | None) -> None:
    guard.refuse_unless_manager(by, scope)
    guard.refuse_own(by, to)
    if not guard.may_bind(by):
        guard.refuse_beyond_own(by, registry.permissions(slug), scope)


def refuse_wrong_scope(slug: str, scope: models.Model | None) -> None:
    """Raises NotGrantable; UnknownRole for a slug that no app declares."""
    declared = registry.get(slug).scope
    given = protection.scope_type(scope) if scope is not None else ""
    if declared.lower() != given:
        raise NotGrantable(f"The role {slug} is given for {declared or 'everything'}, not for {given or 'everything'}.")


def give(
    slug: str,
    to: Principal,
    scope: models.Model | None,
    by: AbstractBaseUser | None,
    starts_at: datetime | None,
    expires_at: datetime | None,
    reason: str,
) -> RoleAssignment:
    same = live(slug, to, scope).filter(starts_at=starts_at, expires_at=expires_at)
    if (existing := same.in_force().first()) is not None:
        return existing
    take(slug, to, scope, by, "replaced by another term")
    columns = {**principal(to), **scope_columns(scope), "granted_by": by}
    given = RoleAssignment.objects.create(
        role_id=slug, starts_at=starts_at, expires_at=expires_at, reason=reason, **columns
    )
    until = expires_at.isoformat() if expires_at else None
    tell(signals.role_granted, slug, to, scope, reason, expires_at=until)
    return given


def take(slug: str, to: Principal, scope: models.Model | None, by: AbstractBaseUser | None, reason: str) -> bool:
    stamped = live(slug, to, scope).update(revoked_at=timezone.now(), revoked_by=by)
    if stamped:
        tell(signals.role_revoked, slug, to, scope, reason)
    return bool(stamped)


def live(slug: str, to: Principal, scope: models.Model | None) -> AssignmentQuerySet:
    key = protection.scope_key(scope) if scope is not None else ""
    return RoleAssignment.objects.live().filter(**principal(to), role=slug, scope_key=key)


def scope_columns(scope: models.Model | None) -> dict[str, Any]:
    if scope is None:
        return {}
    kind, key = protection.scope_type(scope), protection.scope_key(scope)
    return {"scope_type": kind, "scope_id": scope.pk, "scope_key": key}


def principal(to: Principal) -> dict[str, Any]:
    return {"group" if isinstance(to, Group) else "user": to}


def tell(signal: Any, slug: str, to: Principal, scope: models.Model | None, reason: str, **details: Any) -> None:
    permissions = sorted(registry.permissions(slug)) if slug in registry.roles else []
    target = scope if scope is not None else to
    signals.tell(
        signal,
        sender=RoleAssignment,
        target=target,
        reason=reason,
        to=str(to),
        role=slug,
        permissions=permissions,
        **details,
    )
