"""Roles, declared in code. Each app says in its `roles.py` which roles it brings and what it adds to those of others:

    class Editor(Role):
        slug = "documents.editor"
        label = "Editor"
        scope = "documents.Folder"          # given for one folder; left out: for everything
        inherits = (Viewer,)
        permissions = frozenset({"documents.change_document"})

    extend("user", {"documents.add_document"})

Removing an app removes what it added. A role comes with three seeds: admin, user and guest (signed in, read-only).
"""

from collections.abc import Iterable
from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured

from apps.rbac.errors import UnknownRole

GLOBAL = ""


class Registry:
    """The roles of all installed apps, by slug."""

    def __init__(self) -> None:
        self.roles: dict[str, type[Role]] = {}
        self.extensions: dict[str, set[str]] = {}
        self._granting: dict[tuple[str, str], tuple[str, ...]] | None = None

    def add(self, role: "type[Role]") -> None:
        """Raises ImproperlyConfigured at start when the slug is taken: which of two roles is meant can't be guessed."""
        if (other := self.roles.get(role.slug)) is not None:
            raise ImproperlyConfigured(f"Two roles are called {role.slug!r}: {other.__module__} and {role.__module__}.")
        self.roles[role.slug] = role
        self._granting = None

    def extend(self, slug: str, permissions: Iterable[str]) -> None:
        self.extensions.setdefault(slug, set()).update(permissions)
        self._granting = None

    def get(self, slug: str) -> "type[Role]":
        """Raises UnknownRole."""
        try:
            return self.roles[slug]
        except KeyError:
            raise UnknownRole(
                f"No app declares the role {slug!r}. There are: {', '.join(sorted(self.roles))}."
            ) from None

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
        slugs = self.inherited(slug)
        return frozenset().union(*(self.roles[each].permissions | self.extensions.get(each, set()) for each in slugs))

    def is_given_for(self, slug: str, scope_type: str) -> bool:
        """Whether the code declares the role, for scopes of this type."""
        return slug in self.roles and self.roles[slug].scope.lower() == scope_type

    def granting(self, permission: str, scope_type: str) -> tuple[str, ...]:
        """Slugs of the roles of one scope that grant `permission`."""
        if self._granting is None:
            table: dict[tuple[str, str], list[str]] = {}
            for slug, role in sorted(self.roles.items()):
                for granted in self.permissions(slug):
                    table.setdefault((granted, role.scope.lower()), []).append(slug)
            self._granting = {key: tuple(slugs) for key, slugs in table.items()}
        return self._granting.get((permission, scope_type), ())


registry = Registry()


class Role:
    """A named set of permissions. Subclass it in an app's `roles.py`; declaring it registers it."""

    slug: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str] = ""
    scope: ClassVar[str] = GLOBAL
    permissions: ClassVar[frozenset[str]] = frozenset()
    inherits: "ClassVar[tuple[type[Role] | str, ...]]" = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        registry.add(cls)


def slug_of(role: type[Role] | str) -> str:
    return role if isinstance(role, str) else role.slug


def extend(role: type[Role] | str, permissions: Iterable[str]) -> None:
    """Add permissions to a role of another app."""
    registry.extend(slug_of(role), permissions)


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
    permissions = frozenset({"rbac.bind_role", "rbac.manage", "rbac.view_roleassignment"})
    inherits = (User,)
