"""Which roles are in use in a session, as ANSI INCITS 359 has it: what somebody holds is not always what he uses.

A role is active in every session of who holds it, unless it `requires_activation` or stands in a DSD set; those are
activated in one session (`apps.rbac.activation`), and are forgotten with it. What an inactive role inherits stays in
use if that needs no activation. Outside of a request, and for other users than the one who asks, none is activated.

Nothing is read or asked until an app declares such a role or set.
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.rbac.models import RoleAssignment, held_by
from apps.rbac.roles import registry

KEY = "rbac_active_roles"  # in the session: {slug: [primary keys of the assignments, until]}

_current: ContextVar["Session | None"] = ContextVar("rbac_session", default=None)


class Session:
    """`store` keeps what is activated: in a request, Django's session. `proved`: whether he just proved who he is."""

    def __init__(self, user: Any, store: MutableMapping[str, Any], proved: Callable[[], bool] = bool) -> None:
        self.user, self.store, self.proved = user, store, proved
        self._backed: dict[str, datetime] | None = None

    def active_roles(self) -> frozenset[str]:
        """Activated, and not yet over. None, if together they break a DSD set that is younger than the session."""
        active = frozenset(slug for slug, until in self.backed().items() if until > timezone.now())
        return frozenset() if any(each.is_broken_by(active) for each in registry.dsd.values()) else active

    def backed(self) -> dict[str, datetime]:
        """Activations of which an assignment is still there: after a revocation the next one begins inactive.

        One query a request; none if nothing was activated.
        """
        if self._backed is None:
            known = self.store.get(KEY, {})
            used = {pk for pks, _ in known.values() for pk in pks}
            rows = RoleAssignment.objects.in_force().filter(held_by(self.user), pk__in=used)
            alive = {str(pk): registry.inherited(slug) for pk, slug in rows.values_list("pk", "role")}
            self._backed = {
                slug: datetime.fromisoformat(until)
                for slug, (pks, until) in known.items()
                if any(slug in alive.get(pk, ()) for pk in pks)
            }
        return self._backed

    def keep(self, activations: dict[str, Any]) -> None:
        self.store[KEY] = activations
        self._backed = None


@contextmanager
def using(session: Session) -> Iterator[Session]:
    """Questions inside the block are asked in this session: `check` is the standard's CheckAccess."""
    token = _current.set(session)
    try:
        yield session
    finally:
        _current.reset(token)


def of_request(request: HttpRequest) -> Session:
    """Reads neither the user nor the session yet."""
    user, store = getattr(request, "user", AnonymousUser()), getattr(request, "session", {})
    return Session(user, store, lambda: bool(import_string(settings.RBAC_STEP_UP)(request)))


def permissions_in_use(slug: str, user_pk: Any) -> frozenset[str]:
    """What an assignment of the role gives its holder now. `user_pk` None: whoever holds it and activated nothing."""
    if not registry.to_activate.intersection(registry.inherited(slug)):
        return registry.permissions(slug)
    session = _current.get()
    theirs = session is not None and session.user.pk == user_pk is not None
    idle = registry.to_activate - (session.active_roles() if session and theirs else frozenset())
    return frozenset().union(*(registry.permissions(each) for each in registry.inherited(slug) if each not in idle))


def granting(permission: str, scope_type: str, user_pk: Any) -> tuple[str, ...]:
    """As `registry.granting`: slugs of the roles that give their holder the permission now."""
    slugs = registry.granting(permission, scope_type)
    if not registry.to_activate.intersection(slugs):
        return slugs
    return tuple(slug for slug in slugs if permission in permissions_in_use(slug, user_pk))


def asking() -> Any:
    """Primary key of who asks, if he has activated a role."""
    session = _current.get() if registry.to_activate else None
    return session.user.pk if session and session.active_roles() else None
