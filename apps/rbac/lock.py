"""The lock file: the declared roles as text, committed, so that a change of what a role grants is a line of a review.

What a role inherits is written with it: whoever reviews the line of a junior role sees whom else it reaches.
It never decides anything. `manage.py rbac plan` compares it with the code, and CI fails while they differ.
"""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.rbac.roles import Registry, slug_of

LIMITS = ("max_activation", "max_duration", "requires_activation")  # written where a role declares one

type Content = dict[str, Any]


class MalformedLock(CommandError):
    """The lock file is damaged, or is none."""


def declared(registry: Registry) -> Content:
    """What the lock file should say."""
    return {
        "roles": {
            slug: {
                "inherits": sorted(map(slug_of, role.inherits)),
                "permissions": sorted(registry.permissions(slug)),
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
        for name in entry["permissions"]:
            if not isinstance(name, str):
                raise TypeError(f"the role {slug} names {name!r}, which is no text")
    for kind in ("ssd", "dsd"):
        content.get(kind, {}).items()


def write(content: Content) -> None:
    Path(settings.RBAC_LOCK).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def changes(before: Content, after: Content) -> list[dict[str, Any]]:
    """What each role grants that it did not ("gained"), and no longer grants ("lost"); what is inherited counts."""
    old, new = ({slug: set(entry["permissions"]) for slug, entry in each["roles"].items()} for each in (before, after))
    found = []
    for slug in sorted(old.keys() | new.keys()):
        was, becomes = old.get(slug, set()), new.get(slug, set())
        kind = "new" if slug not in old else "gone" if slug not in new else "changed"
        if kind != "changed" or was != becomes:
            found.append({"role": slug, "kind": kind, "gained": sorted(becomes - was), "lost": sorted(was - becomes)})
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
