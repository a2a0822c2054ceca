"""List what a review of access should look at.

Those are roles without an end that give much, that end soon or are gone from the code, people who hold roles that
exclude each other, and permissions in no role. Ends with status 1 while something is wrong.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from apps.rbac import checks, constraints, grants, guard
from apps.rbac.administrators import MANAGE
from apps.rbac.grants import Grant, State
from apps.rbac.roles import registry


class Finding(NamedTuple):
    """`wrong`: something is to be done; else it is there to be known."""

    kind: str
    what: str
    wrong: bool = True


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--days", type=int, default=30, help="tell what ends within so many days (30)")


def run(command: BaseCommand, *, days: int, **options: Any) -> None:
    found = list(findings(timedelta(days=days)))
    if options["json"]:
        command.stdout.write(json.dumps({"findings": [each._asdict() for each in found]}))
    else:
        for each in found:
            command.stdout.write(f"{each.kind:<10} {each.what}")
    if wrong := sum(each.wrong for each in found):
        raise CommandError(f"{wrong} to look at.")
    if not options["json"]:
        command.stdout.write("Nothing is wrong.")


def findings(soon: timedelta) -> Iterator[Finding]:
    """Few queries, however many rights there are: rows that nothing is to be said of are not read."""
    # Privileged by their declaration, or able to give what they do not hold.
    strong = {slug for slug in registry.roles if registry.permissions(slug) & {MANAGE, guard.BIND}}
    powerful = strong | set(filter(registry.is_privileged, registry.roles))
    noteworthy = Q(expires_at__lt=timezone.now() + soon) | Q(role__in=powerful) | ~Q(role__in=registry.roles)
    for grant in grants.assigned(grants.LIVE & noteworthy):
        yield from of_grant(grant)
    people = get_user_model()._default_manager
    for pk, broken in constraints.conflicts():
        yield Finding("conflict", f"{people.get(pk=pk)} holds {broken.n} or more of the set {broken.name}")
    for message in (*checks.every_permission_is_in_a_role(), *checks.no_rights_elsewhere(databases=["default"])):
        yield Finding("no role" if message.id == "rbac.W006" else "elsewhere", message.msg)


def of_grant(grant: Grant) -> Iterator[Finding]:
    said = f"{grant.to} has the role {grant.role} on {grant.where}"
    if grant.state is State.RETIRED:
        yield Finding("retired", f"{said}, which the code no longer declares")
    elif grant.expires_at is None:
        yield Finding("no end", f"{said} without an end")
    elif grant.state is State.EXPIRED:
        yield Finding("ended", f"{said} until {grant.expires_at:%Y-%m-%d}, which has passed", wrong=False)
    else:
        yield Finding("ends soon", f"{said} until {grant.expires_at:%Y-%m-%d}", wrong=False)
