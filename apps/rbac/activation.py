"""Roles put to use in one session: CreateSession, AddActiveRole, DropActiveRole and their kind, of ANSI INCITS 359.

    with sessions.using(create_session(user)): …        # commands and tests; a request has its session already
    add_active_role(sessions.of_request(request), "keys.custodian", reason="quarterly rotation")

A privileged role (`requires_activation`) takes a reason and a fresh proof of who it is (RBAC_STEP_UP), and ends after
`max_activation`. Roles of a DSD set take neither: they only exclude each other. Refusals are told as `grant_refused`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.rbac import guard, memo, review, sessions, signals
from apps.rbac.assignments import AnyRole
from apps.rbac.errors import MayNotActivate, StepUpRequired
from apps.rbac.models import RoleAssignment, held_by
from apps.rbac.queries import FOREVER
from apps.rbac.roles import registry, slug_of
from apps.rbac.sessions import KEY, Session


def create_session(user: Any, roles: Iterable[AnyRole] = (), *, reason: str = "", proved: bool = False) -> Session:
    """CreateSession: with these roles in use beside those that need no activation. Raises as `add_active_role`."""
    session = Session(user, {}, lambda: proved)
    for role in roles:
        add_active_role(session, role, reason=reason)
    return session


def delete_session(session: Session) -> None:
    """DeleteSession, as far as roles go."""
    for slug in sorted(session.active_roles()):
        drop_active_role(session, slug)


def add_active_role(
    session: Session, role: AnyRole, *, reason: str = "", duration: timedelta | None = None
) -> datetime:
    """AddActiveRole: put a role to use that the user is authorized for. Returns until when at the latest.

    Raises MayNotActivate, StepUpRequired, SeparationOfDuty, UnknownRole.
    """
    slug = slug_of(role)
    with guard.telling(session.user, role=slug):
        privileged = registry.is_privileged(registry.get(slug).slug)
        if slug not in registry.to_activate:
            raise MayNotActivate(f"The role {slug} needs no activation: who has it uses it.")
        if slug in session.active_roles():
            raise MayNotActivate(f"The role {slug} is active already.")
        given = authorizing(session.user, slug)
        if privileged:
            refuse_unproved(session, slug, reason)
        for each in registry.dsd.values():
            if each.is_broken_by({*session.active_roles(), slug}):
                raise each.refuse(session.user)
    until = min(end_of(slug, duration), max(row.expires_at or FOREVER for row in given))
    kept = {each: session.store[KEY][each] for each in session.active_roles()}
    session.keep({**kept, slug: [[str(row.pk) for row in given], until.isoformat()]})
    memo.forget()
    tell(signals.role_activated, session, slug, reason, until=until.isoformat(timespec="seconds"))
    return until


def drop_active_role(session: Session, role: AnyRole) -> None:
    """DropActiveRole. Raises MayNotActivate: a role that needs no activation is in use as long as it is held."""
    slug = slug_of(role)
    active = session.active_roles()
    if slug not in active:
        raise MayNotActivate(f"The role {slug} has not been activated.")
    session.keep({each: session.store[KEY][each] for each in active if each != slug})
    memo.forget()
    tell(signals.role_deactivated, session, slug, "")


def eligible_roles(user: Any) -> frozenset[str]:
    """What the user may activate. No query while no app declares such a role."""
    return registry.to_activate & review.authorized_roles(user) if registry.to_activate else frozenset()


def session_roles(session: Session) -> frozenset[str]:
    """SessionRoles: those activated, and those held that need no activation."""
    return (review.authorized_roles(session.user) - registry.to_activate) | session.active_roles()


def session_permissions(session: Session) -> frozenset[review.Held]:
    """SessionPermissions: all that roles give in this session, each with its place."""
    with sessions.using(session):
        given = review.places_of(session.user) if session.user.is_active else set()
        in_use = ((slug, key, sessions.permissions_in_use(slug, session.user.pk)) for slug, key in given)
        return frozenset((permission, key) for _, key, permissions in in_use for permission in permissions)


def authorizing(user: Any, slug: str) -> list[RoleAssignment]:
    """Assignments in force, of the role or of one that inherits from it. Raises MayNotActivate if there is none."""
    rows = list(RoleAssignment.objects.in_force().filter(held_by(user), role__in=registry.seniors(slug)))
    if not rows or not user.is_active:
        raise MayNotActivate(f"You do not have the role {slug}. Ask somebody who gives roles.")
    return rows


def refuse_unproved(session: Session, slug: str, reason: str) -> None:
    if not reason.strip():
        raise MayNotActivate(f"The role {slug} is activated for a reason. Say which.")
    if not session.proved():
        raise StepUpRequired(f"The role {slug} takes a fresh proof that it is you. Confirm your access, and try again.")


def end_of(slug: str, duration: timedelta | None) -> datetime:
    limits = [each for each in (duration, registry.shortest(slug, "max_activation")) if each is not None]
    return timezone.now() + min(limits) if limits else FOREVER


def tell(signal: Any, session: Session, slug: str, reason: str, **details: Any) -> None:
    who = session.user
    signals.tell(signal, target=who, reason=reason, to=str(who), role=slug, **details)
