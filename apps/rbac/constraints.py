"""Separation of duty, as ANSI INCITS 359 defines it. Declared in an app's `roles.py`, beside its roles:

    SsdSet("four_eyes", {Editor, Approver})         nobody may hold both
    SsdSet("keys", {One, Two, Three}, n=3)          nobody may hold all three
    DsdSet("one_hat", {UserAdmin, Auditor})         who holds both uses one at a time (apps.rbac.sessions)

`n` is the standard's cardinality: nobody holds n or more of the roles, so n - 1 at most. What counts are *authorized*
roles: those given to a user or his groups, begun or not, wherever their scope is, and all that they inherit from.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from apps.rbac.errors import SeparationOfDuty
from apps.rbac.models import RoleAssignment, held_by
from apps.rbac.roles import Role, registry, slug_of


class RoleSet:
    """A named set of roles and its cardinality. Declaring one registers it, as with a role."""

    kind: str

    def __init__(self, name: str, roles: Iterable[type[Role] | str], n: int = 2) -> None:
        self.name, self.roles, self.n = name, frozenset(map(slug_of, roles)), n
        sets: dict[str, RoleSet] = getattr(registry, self.kind)
        if name in sets:
            raise ImproperlyConfigured(f"Two sets of roles ({self.kind.upper()}) are called {name!r}.")
        sets[name] = self
        registry.forget()

    def is_broken_by(self, slugs: Iterable[str]) -> bool:
        return len(self.roles & registry.authorized(slugs)) >= self.n

    def refuse(self, somebody: Any) -> SeparationOfDuty:
        verb = "hold" if self.kind == "ssd" else "use at once"
        return SeparationOfDuty(
            f"{somebody} would {verb} {self.n} or more of {', '.join(sorted(self.roles))}: the separation of duty "
            f"{self.name!r} forbids it. One of the others has to go first."
        )


class SsdSet(RoleSet):
    """Static: of these roles nobody may hold n or more."""

    kind = "ssd"


class DsdSet(RoleSet):
    """Dynamic: of these roles nobody may use n or more in one session."""

    kind = "dsd"


def conflicts(users: Collection[Any] | QuerySet[Any, Any] | None = None) -> list[tuple[Any, RoleSet]]:
    """Primary keys of those of the users (of all, if None) who break an SSD set, each with the set that it is.

    Two queries; none while no set is declared.
    """
    held: defaultdict[Any, set[str]] = defaultdict(set)
    if bearing := bearing_on_ssd():
        rows = RoleAssignment.objects.unended().filter(role__in=bearing)
        direct, by_group = rows.exclude(user=None), rows.exclude(group__user=None)
        if users is not None:
            direct, by_group = direct.filter(user__in=users), by_group.filter(group__user__in=users)
        for pk, slug in chain(direct.values_list("user", "role"), by_group.values_list("group__user", "role")):
            held[pk].add(slug)
    sets = registry.ssd.values()
    return [(pk, each) for pk, slugs in held.items() for each in sets if each.is_broken_by(slugs)]


def offenders() -> dict[str, list[Any]]:
    """Primary keys of all who break an SSD set, by its name."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for pk, broken in conflicts():
        found[broken.name].append(pk)
    return dict(found)


def bearing_on_ssd() -> set[str]:
    """Slugs of the roles that are, or inherit from, a member of an SSD set."""
    return {senior for each in registry.ssd.values() for slug in each.roles for senior in registry.seniors(slug)}


def forbidding(user: Any, slug: str) -> RoleSet | None:
    """The SSD set that the user would break with this role. One query, if the role bears on any."""
    if slug not in bearing_on_ssd():
        return None
    held = RoleAssignment.objects.unended().filter(held_by(user)).values_list("role", flat=True)
    return next((each for each in registry.ssd.values() if each.is_broken_by({*held, slug})), None)


def refuse_conflicts(users: Collection[Any] | QuerySet[Any, Any]) -> None:
    """Raises SeparationOfDuty if one of the users breaks a set. Ask after the change, inside its transaction."""
    for pk, broken in conflicts(users):
        raise broken.refuse(get_user_model()._default_manager.get(pk=pk))
