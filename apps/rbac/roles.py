"""Roles, declared in code. Each app says in its `roles.py` which roles it brings and what it adds to those of others:

    class Editor(Role):
        slug = "documents.editor"
        label = "Editor"
        scope = "documents.Folder"          # given for one folder; left out: for everything
        inherits = (Viewer,)
        permissions = frozenset({"documents.change_document"})
        max_duration = timedelta(days=90)   # given for longer: refused
        requires_activation = True          # held, and not in use until activated in the session (apps.rbac.sessions)
        max_activation = timedelta(hours=1)

    extend("user", {"documents.add_document"})

Removing an app removes what it added. A role comes with three seeds: admin, user and guest (signed in, read-only).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django.core.exceptions import ImproperlyConfigured

from apps.rbac.errors import UnknownRole

if TYPE_CHECKING:
    from apps.rbac.constraints import RoleSet

GLOBAL = ""


class Registry:
    """The roles of all installed apps, by slug, and the sets of roles that exclude each other, by name."""

    def __init__(self) -> None:
        self.roles: dict[str, type[Role]] = {}
        self.extensions: dict[str, set[str]] = {}
        self.ssd: dict[str, RoleSet] = {}
        self.dsd: dict[str, RoleSet] = {}

    def forget(self) -> None:
        """Work out anew what follows from the declarations: one has changed."""
        for name in ("table", "to_activate"):
            vars(self).pop(name, None)

    def add(self, role: "type[Role]") -> None:
        """Raises ImproperlyConfigured at start when the slug is taken: which of two roles is meant can't be guessed."""
        if (other := self.roles.get(role.slug)) is not None:
            raise ImproperlyConfigured(f"Two roles are called {role.slug!r}: {other.__module__} and {role.__module__}.")
        self.roles[role.slug] = role
        self.forget()

    def get(self, slug: str) -> "type[Role]":
        """Raises UnknownRole."""
        if slug not in self.roles:
            raise UnknownRole(f"No app declares the role {slug!r}. There are: {', '.join(sorted(self.roles))}.")
        return self.roles[slug]

    def inherited(self, slug: str) -> list[str]:
        """Slugs of the role and all it inherits from, nearest first. A cycle ends the walk (a check reports it)."""
        found, waiting = [], [slug]
        while waiting:
            if (current := waiting.pop(0)) not in found and current in self.roles:
                found.append(current)
                waiting.extend(slug_of(junior) for junior in self.roles[current].inherits)
        return found

    def permissions(self, slug: str) -> frozenset[str]:
        """All that the role grants: its own, what apps added to it, and what it inherits."""
        return frozenset().union(*(self.own(each) for each in self.inherited(slug)))

    def own(self, slug: str) -> frozenset[str]:
        """What the role lists, and what apps added to it."""
        return self.roles[slug].permissions | self.extensions.get(slug, set())

    def label(self, slug: str) -> str:
        """The slug itself for a role that is gone from the code."""
        return self.roles[slug].label if slug in self.roles else slug

    def is_given_for(self, slug: str, scope_type: str) -> bool:
        """Whether the code declares the role, for scopes of this type."""
        return slug in self.roles and self.roles[slug].scope.lower() == scope_type

    def granting(self, permission: str, scope_type: str) -> tuple[str, ...]:
        """Slugs of the roles of one scope that grant `permission`."""
        return self.table.get((permission, scope_type), ())

    @cached_property
    def table(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The same for every permission and scope."""
        found: defaultdict[tuple[str, str], tuple[str, ...]] = defaultdict(tuple)
        for slug, role in sorted(self.roles.items()):
            for permission in self.permissions(slug):
                found[permission, role.scope.lower()] += (slug,)
        return found

    def granted(self) -> frozenset[str]:
        """All that any role grants."""
        return frozenset().union(*map(self.permissions, self.roles))

    def seniors(self, slug: str) -> set[str]:
        """The role and all that inherit from it."""
        return {each for each in self.roles if slug in self.inherited(each)}

    def authorized(self, slugs: Iterable[str]) -> frozenset[str]:
        """The roles themselves and all that they inherit from."""
        return frozenset(each for slug in slugs for each in self.inherited(slug))

    def shortest(self, slug: str, limit: str) -> timedelta | None:
        """The role's `max_duration` or `max_activation`: the least that it or a role it inherits from declares."""
        declared = (getattr(self.roles[each], limit) for each in self.inherited(slug))
        return min((each for each in declared if each is not None), default=None)

    def is_privileged(self, slug: str) -> bool:
        """Whether it, or a role that it inherits from, declares `requires_activation`."""
        return any(self.roles[each].requires_activation for each in self.inherited(slug))

    def sets(self) -> "list[RoleSet]":
        return [*self.ssd.values(), *self.dsd.values()]

    @cached_property
    def to_activate(self) -> frozenset[str]:
        """Roles not in use until activated: the privileged, and those of which one session may not use all (DSD)."""
        apart = {slug for each in self.dsd.values() for slug in each.roles}
        idle = {slug for slug in self.roles if self.is_privileged(slug) or apart.intersection(self.inherited(slug))}
        return frozenset(idle)


registry = Registry()


class Role:
    """A named set of permissions. Subclass it in an app's `roles.py`; declaring it registers it."""

    slug: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str] = ""
    scope: ClassVar[str] = GLOBAL
    permissions: ClassVar[frozenset[str]] = frozenset()
    inherits: "ClassVar[tuple[type[Role] | str, ...]]" = ()
    max_duration: ClassVar[timedelta | None] = None
    requires_activation: ClassVar[bool] = False
    max_activation: ClassVar[timedelta | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        registry.add(cls)


def slug_of(role: type[Role] | str) -> str:
    return role if isinstance(role, str) else role.slug


def extend(role: type[Role] | str, permissions: Iterable[str]) -> None:
    """Add permissions to a role of another app."""
    registry.extensions.setdefault(slug_of(role), set()).update(permissions)
    registry.forget()


class Guest(Role):
    slug = "guest"
    label = "Guest"
    description = "Signed in, and may only look."


class User(Role):
    slug = "user"
    label = "User"
    description = "What everybody with an account may do."
    inherits = (Guest,)


class Admin(Role):
    slug = "admin"
    label = "Administrator"
    description = "Runs the site: gives roles, reads the audit log."
    permissions = frozenset({"rbac.bind_role", "rbac.manage", "rbac.use_admin", "rbac.view_roleassignment"})
    inherits = (User,)
