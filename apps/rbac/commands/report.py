"""List what a review of access should look at.

Those are roles without an end that give much, that end soon or are gone from the code, people who hold roles that
exclude each other, and permissions in no role. Ends with status 1 while something is wrong.
"""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rbac.report import findings


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
