"""Roles: given to a user or group, for everything, for a container or for one object, and taken back."""

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from apps.rbac import administrators, constraints, guard, protection, queries, signals
from apps.rbac.errors import AlreadyAssigned, BeyondTerm, NotGrantable
from apps.rbac.guard import Principal, principal
from apps.rbac.models import AssignmentQuerySet, RoleAssignment
from apps.rbac.queries import FOREVER
from apps.rbac.roles import Role, registry, slug_of

type AnyRole = type[Role] | str
type Term = tuple[datetime | None, datetime | None]  # from, until


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
    "rbac.bind_role", each for as long as he gives it; not for himself or a group he is in; not for an inactive
    account; not for longer than the role's `max_duration`; not against a separation of duty. Raises UnknownRole.
    """
    slug = slug_of(role)
    with guard.granting(by, to, scope, role=slug) as change:
        refuse_wrong_scope(slug, scope)
        change.refuse_unless_allowed(registry.permissions(slug), expires_at or FOREVER)
        return give(slug, to, scope, by, (starts_at, expires_at), reason)


def revoke_role(
    by: AbstractBaseUser, role: AnyRole, to: Principal, scope: models.Model | None = None, *, reason: str = ""
) -> bool:
    """Take the role back, and return whether there was one. Raises GrantRefused as `assign_role` does.

    Raises LastAdministrator too. A role that the code no longer declares can be taken, and not given.
    """
    slug = slug_of(role)
    with guard.granting(by, to, scope, role=slug) as change:
        change.refuse_unless_allowed(registry.permissions(slug))
        with administrators.kept(slug):
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
    """Give a role where no person does: on sign-up, in commands, in tests. Held to the role's own rules only.

    Those are its scope, its `max_duration`, separation of duty, and that an administrator is left. It does not ask
    whether anybody may: never on behalf of a request.
    """
    slug = slug_of(role)
    with guard.granting(None, to, scope, role=slug):
        refuse_wrong_scope(slug, scope)
        return give(slug, to, scope, None, (starts_at, expires_at), reason)


def assign_creator(role: AnyRole, user: AbstractBaseUser, obj: models.Model) -> RoleAssignment:
    """Give who has just made `obj` a role on it. Once: raises AlreadyAssigned if anybody has, or had, one."""
    slug = slug_of(role)
    with guard.granting(user, user, obj, role=slug) as change:
        refuse_wrong_scope(slug, obj)
        change.refuse_inactive()
        if RoleAssignment.objects.filter(scope_key=protection.scope_key(obj)).exists():
            raise AlreadyAssigned(f"{obj} is somebody's already. Ask its owner for a share.")
        return give(slug, user, obj, user, (None, None), "made it")


def refuse_wrong_scope(slug: str, scope: models.Model | None) -> None:
    """Raises NotGrantable; UnknownRole for a slug that no app declares."""
    declared = registry.get(slug).scope
    given = protection.scope_type(scope)
    if declared.lower() != given:
        raise NotGrantable(f"The role {slug} is given for {declared or 'everything'}, not for {given or 'everything'}.")


def refuse_too_long(slug: str, starts_at: datetime | None, expires_at: datetime | None) -> None:
    longest = registry.shortest(slug, "max_duration")
    if longest and (expires_at is None or expires_at > (starts_at or timezone.now()) + longest):
        raise BeyondTerm(f"The role {slug} is given for {longest} at most. Let it end earlier, and give it anew then.")


def give(
    slug: str, to: Principal, scope: models.Model | None, by: AbstractBaseUser | None, term: Term, reason: str
) -> RoleAssignment:
    starts_at, expires_at = term
    place = {"scope_type": protection.scope_type(scope), "scope_key": protection.scope_key(scope)}
    columns = {**principal(to), **place, "scope_id": getattr(scope, "pk", None), "granted_by": by}
    given = RoleAssignment(role_id=slug, starts_at=starts_at, expires_at=expires_at, reason=reason, **columns)
    existing = None if queries.add(given) else live(slug, to, scope).get()
    goes_on = expires_at is None or expires_at > timezone.now()
    if existing and goes_on and (existing.starts_at, existing.expires_at) == term:
        return existing
    refuse_too_long(slug, *term)
    if existing:
        with administrators.kept(slug):
            take(slug, to, scope, by, "replaced by another term")
            queries.add(given)
    if slug in constraints.bearing_on_ssd():
        constraints.refuse_conflicts(queries.members([to]) if isinstance(to, Group) else [to.pk])
    tell(signals.role_granted, slug, to, scope, reason, expires_at=expires_at and expires_at.isoformat())
    return given


def take(slug: str, to: Principal, scope: models.Model | None, by: AbstractBaseUser | None, reason: str) -> bool:
    stamped = live(slug, to, scope).update(revoked_at=timezone.now(), revoked_by=by)
    if stamped:
        tell(signals.role_revoked, slug, to, scope, reason)
    return bool(stamped)


def live(slug: str, to: Principal, scope: models.Model | None) -> AssignmentQuerySet:
    return RoleAssignment.objects.live().filter(**principal(to), role=slug, scope_key=protection.scope_key(scope))


def tell(signal: Any, slug: str, to: Principal, scope: models.Model | None, reason: str, **details: Any) -> None:
    permissions = sorted(registry.permissions(slug)) if slug in registry.roles else []
    told = {"to": to, "role": slug, "permissions": permissions, **details}
    signals.tell(signal, target=to if scope is None else scope, reason=reason, **told)
