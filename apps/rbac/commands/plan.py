"""Compare the declared roles with the lock file: who gains and loses what, and how many people that is.

Ends with status 1 while the lock file is stale; `--write` brings it up to date.
"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rbac import lock
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import registry

STALE = "The lock file differs from the declared roles. Run `manage.py rbac plan --write`, and commit what it writes."


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--write", action="store_true", help="bring the lock file up to date")
    parser.add_argument("--offline", action="store_true", help="ask no database: do not count people")
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def run(command: BaseCommand, *, write: bool, offline: bool, **options: Any) -> None:
    before, after = lock.written(), lock.declared(registry)
    changes = [asdict(change) | ({} if offline else reach(change.role)) for change in lock.changes(before, after)]
    stale = before != after
    if options["json"]:
        say_json(command, {"stale": stale, "changes": changes})
    else:
        for change in changes:
            command.stdout.write(sentence(change))
        command.stdout.write("" if stale else "The lock file is up to date.")
    if stale and write:
        lock.write(after)
    elif stale:
        raise CommandError(STALE)


def say_json(command: BaseCommand, result: dict[str, Any]) -> None:
    command.stdout.write(json.dumps(result))


def reach(slug: str) -> dict[str, int]:
    """How many people hold the role now, themselves or by a group, and for how many scopes."""
    held = RoleAssignment.objects.in_force().filter(role=slug)
    people = set(held.exclude(user=None).values_list("user", flat=True))
    people.update(held.exclude(group__user=None).values_list("group__user", flat=True))
    return {"people": len(people), "scopes": held.values("scope_key").distinct().count()}


def sentence(change: dict[str, Any]) -> str:
    parts = [f"{change['role']} ({change['kind']})"]
    parts += [f"{verb} {', '.join(change[verb])}" for verb in ("gained", "lost") if change[verb]]
    told = "; ".join(parts)
    return told + (f": {change['people']} people, {change['scopes']} scopes" if "people" in change else "")
