"""Compare the declared roles with the lock file: who gains and loses what, and how many people that is.

Ends with status 1 while the lock file is stale; --write brings it up to date.
"""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rbac import checks, constraints, lock, review
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import registry

LISTED = 10  # people shown as text; --json has all
STALE = "The lock file differs from the declared roles. Run `manage.py rbac plan --write`, and commit what it writes."


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--write", action="store_true", help="bring the lock file up to date, to be committed")
    parser.add_argument("--offline", action="store_true", help="ask no database, and so count no people")


def run(command: BaseCommand, *, write: bool, offline: bool, **options: Any) -> None:
    before, after = lock.written(), lock.declared(registry)
    result = {
        "stale": before != after,
        "changes": [each | ({} if offline else reach(each["role"])) for each in lock.changes(before, after)],
        "rules": lock.rules_changed(before, after),
        "conflicts": {} if offline else {name: list(map(str, who)) for name, who in constraints.offenders().items()},
        "left_behind": {} if offline else checks.left_behind(),
    }
    command.stdout.write(json.dumps(result) if options["json"] else "\n".join(sentences(result)))
    if result["stale"] and write:
        lock.write(after)
    elif result["stale"]:
        raise CommandError(STALE)


def reach(slug: str) -> dict[str, int]:
    """How many people hold the role now, themselves or by a group, and for how many scopes."""
    places = RoleAssignment.objects.in_force().filter(role=slug).values("scope_key").distinct()
    return {"people": review.users_with({slug}).count(), "scopes": places.count()}


def sentences(result: dict[str, Any]) -> Iterator[str]:
    yield from map(sentence, result["changes"])
    yield from (f"changed: {each}" for each in result["rules"])
    for name, people in result["conflicts"].items():
        yield f"SSD {name}: {len(people)} people hold too many of its roles: {', '.join(people[:LISTED])}"
    for slug, number in result["left_behind"].items():
        yield f"{slug} is not declared: its {number} assignments grant nothing"
    yield "The lock file differs." if result["stale"] else "The lock file is up to date."


def sentence(change: dict[str, Any]) -> str:
    parts = [f"{change['role']} ({change['kind']})"]
    parts += [f"{verb} {', '.join(change[verb])}" for verb in ("gained", "lost") if change[verb]]
    told = "; ".join(parts)
    return told + (f": {change['people']} people, {change['scopes']} scopes" if "people" in change else "")
