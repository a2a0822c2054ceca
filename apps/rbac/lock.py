"""The lock file: the declared roles as text, committed, so that a change of what a role grants is a line of a review.

It never decides anything. `manage.py rbac plan` compares it with the code, and CI fails while they differ.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.rbac.roles import Registry, slug_of

LIMITS = ("max_activation", "max_duration", "requires_activation")  # written where a role declares one

type Content = dict[str, Any]


class MalformedLock(CommandError):
    """The lock file is damaged, or is none."""


@dataclass(frozen=True)
class Change:
    """What one role grants that it did not, and no longer grants; inherited permissions count."""

    role: str
    kind: str  # "new", "gone" or "changed"
    gained: list[str]
    lost: list[str]


def declared(registry: Registry) -> Content:
    """What the lock file should say."""
    return {
        "roles": {
            slug: {
                "inherits": sorted(slug_of(junior) for junior in role.inherits),
                "permissions": sorted(registry.own(slug)),
                "scope": role.scope,
                **{name: str(value) for name in LIMITS if (value := getattr(role, name))},
            }
            for slug, role in registry.roles.items()
        },
        **{
            kind: {name: {"n": each.n, "roles": sorted(each.roles)} for name, each in getattr(registry, kind).items()}
            for kind in ("ssd", "dsd")
        },
    }


def written() -> Content:
    """What it says. Nothing is locked before the first `rbac plan --write`. Raises MalformedLock."""
    path = Path(settings.RBAC_LOCK)
    if not path.exists():
        return {"roles": {}}
    try:
        content: Content = json.loads(path.read_text())
        refuse_malformed(content)
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise MalformedLock(
            f"{path} can't be read as a lock file of the roles: {what}. "
            "Take it from version control again; or delete it, run `manage.py rbac plan --write`, and review all of it."
        ) from error
    return content


def refuse_malformed(content: Content) -> None:
    """Only as far as it is read: a difference is what the lock file is for."""
    for slug, entry in content["roles"].items():
        for name in (entry["scope"], *entry["inherits"], *entry["permissions"]):
            if not isinstance(name, str):
                raise TypeError(f"the role {slug} names {name!r}, which is no text")
    for kind in ("ssd", "dsd"):
        content.get(kind, {}).items()


def write(content: Content) -> None:
    Path(settings.RBAC_LOCK).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def changes(before: Content, after: Content) -> list[Change]:
    old, new = registry_of(before), registry_of(after)
    found = []
    for slug in sorted(old.roles.keys() | new.roles.keys()):
        was, becomes = old.permissions(slug), new.permissions(slug)
        kind = "new" if slug not in old.roles else "gone" if slug not in new.roles else "changed"
        if kind != "changed" or was != becomes:
            found.append(Change(slug, kind, sorted(becomes - was), sorted(was - becomes)))
    return found


def rules_changed(before: Content, after: Content) -> list[str]:
    """What else differs than permissions: scopes, inheritance, terms, sets of roles."""

    def rules(content: Content) -> dict[str, Any]:
        roles = {slug: content["roles"][slug] for slug in before["roles"].keys() & after["roles"].keys()}
        limits = {f"{slug}.{name}": value for slug, entry in roles.items() for name, value in entry.items()}
        sets = {f"{kind}.{name}": each for kind in ("ssd", "dsd") for name, each in content.get(kind, {}).items()}
        return limits | sets

    was, becomes = rules(before), rules(after)
    differing = (name for name in was.keys() | becomes.keys() if was.get(name) != becomes.get(name))
    return sorted(name for name in differing if not name.endswith(".permissions"))


def registry_of(content: Content) -> Registry:
    """The roles of a lock file, apart from those of the code."""
    registry = Registry()
    for slug, entry in content["roles"].items():
        described: Any = SimpleNamespace(**{**entry, "permissions": frozenset(entry["permissions"])})
        registry.roles[slug] = described  # not declared: no class is made of a file
    return registry
