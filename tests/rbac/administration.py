"""The administrative commands of ANSI INCITS 359, done with apps.rbac: to roles that live for one test.

What changes roles is a declaration in the kit, and its preconditions are the system checks: those on the code, and
those on the rows, which `migrate` asks. So each command here declares, checks, and takes the declaration back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.core.checks import ERROR
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.models import User
from apps.rbac import activation, constraints
from apps.rbac.assignments import assign_role, revoke_role
from apps.rbac.checks import roles_are_sound
from apps.rbac.constraints import DsdSet, SsdSet
from apps.rbac.errors import GrantRefused
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import extend, registry
from apps.rbac.sessions import Session
from apps.rbac.sync import sync
from tests.rbac.oracle import Refused
from tests.rbac.test_roles import declare


@contextmanager
def declaring() -> Iterator[None]:
    before = snapshot()
    try:
        yield
        registry.forget()
        if any(message.level >= ERROR for message in roles_are_sound()) or constraints.conflicts():
            raise Refused
    except (Refused, ImproperlyConfigured) as refused:
        restore(before)
        raise Refused from refused


def snapshot() -> dict[str, Any]:
    return {
        "roles": dict(registry.roles),
        "inherits": {slug: role.inherits for slug, role in registry.roles.items()},
        "extensions": {slug: set(added) for slug, added in registry.extensions.items()},
        "ssd": {name: copy(each) for name, each in registry.ssd.items()},
        "dsd": {name: copy(each) for name, each in registry.dsd.items()},
    }


def restore(before: dict[str, Any]) -> None:
    for name in ("roles", "extensions", "ssd", "dsd"):
        setattr(registry, name, before[name])
    for slug, inherits in before["inherits"].items():
        if registry.roles[slug].inherits != inherits:
            registry.roles[slug].inherits = inherits
    registry.forget()


class Kit:
    """The same commands as the oracle's, and refused by the same exception."""

    def __init__(self, administrator: User) -> None:
        self.administrator = administrator
        self.users: dict[str, User] = {}
        self.sessions: dict[str, Session] = {}

    def run(self, command: str, *arguments: Any) -> None:
        try:
            getattr(self, command)(*arguments)
        except (GrantRefused, KeyError) as refused:  # KeyError: no such user, role, set or session
            raise Refused from refused

    def add_user(self, user: str) -> None:
        if user in self.users:
            raise Refused
        self.users[user] = User.objects.create_user(f"{user}@example.org")

    def delete_user(self, user: str) -> None:
        self.users.pop(user).delete()
        alive = {each.pk for each in self.users.values()}
        self.sessions = {name: each for name, each in self.sessions.items() if each.user.pk in alive}

    def add_role(self, role: str) -> None:
        with declaring():
            declare(role, requires_activation=True)

    def delete_role(self, role: str) -> None:
        with declaring():
            del registry.roles[role]
            registry.extensions.pop(role, None)
        for row in RoleAssignment.objects.live().filter(role=role).select_related("user"):
            revoke_role(self.administrator, role, row.user)  # type: ignore[arg-type] # to users only

    def assign_user(self, user: str, role: str) -> None:
        sync()  # as `migrate` has, before anybody is given a new role
        assign_role(self.administrator, role, self.users[user])

    def deassign_user(self, user: str, role: str) -> None:
        if not revoke_role(self.administrator, role, self.users[user]):
            raise Refused

    def grant_permission(self, permission: str, role: str) -> None:
        with declaring():
            extend(role, {permission})

    def revoke_permission(self, permission: str, role: str) -> None:
        with declaring():
            registry.extensions[role].remove(permission)

    def add_inheritance(self, senior: str, junior: str) -> None:
        with declaring():
            if junior in registry.roles[senior].inherits:
                raise Refused
            registry.roles[senior].inherits += (junior,)

    def delete_inheritance(self, senior: str, junior: str) -> None:
        with declaring():
            if junior not in registry.roles[senior].inherits:
                raise Refused
            kept = tuple(each for each in registry.roles[senior].inherits if each != junior)
            registry.roles[senior].inherits = kept

    def create_set(self, kind: str, name: str, roles: frozenset[str], n: int) -> None:
        with declaring():
            {"ssd": SsdSet, "dsd": DsdSet}[kind](name, roles, n)

    def delete_set(self, kind: str, name: str) -> None:
        with declaring():
            del getattr(registry, kind)[name]

    def add_role_member(self, kind: str, name: str, role: str) -> None:
        with declaring():
            each = getattr(registry, kind)[name]
            if role in each.roles:
                raise Refused
            each.roles |= {role}

    def delete_role_member(self, kind: str, name: str, role: str) -> None:
        with declaring():
            each = getattr(registry, kind)[name]
            if role not in each.roles:
                raise Refused
            each.roles -= {role}

    def set_cardinality(self, kind: str, name: str, n: int) -> None:
        with declaring():
            getattr(registry, kind)[name].n = n

    def create_session(self, name: str, user: str, roles: tuple[str, ...]) -> None:
        if name in self.sessions:
            raise Refused
        self.sessions[name] = activation.create_session(self.users[user], roles, reason="test", proved=True)

    def delete_session(self, name: str) -> None:
        activation.delete_session(self.session(name))
        del self.sessions[name]

    def add_active_role(self, name: str, role: str) -> None:
        activation.add_active_role(self.session(name), role, reason="test")

    def drop_active_role(self, name: str, role: str) -> None:
        activation.drop_active_role(self.session(name), role)

    def session(self, name: str) -> Session:
        """As the next request would find it."""
        was = self.sessions[name]
        return Session(was.user, was.store, was.proved)
