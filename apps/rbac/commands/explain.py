"""Say why somebody may do something, or what is missing and who can give it.

Ends with status 1 if it is refused, and with 2 if there is no such person or object.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rbac import grants
from apps.rbac.explain import explain

NOT_ASKED = 2  # the question names somebody or something that is not there


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("person", help="the email address or key of who would do it")
    parser.add_argument("permission", help="what he would do, such as records.view_record")
    parser.add_argument("object", nargs="?", help="to what, as app.model:id; left out: to everything")


def run(command: BaseCommand, *, person: str, permission: str, **options: Any) -> None:
    try:
        obj = grants.at(options["object"]) if options["object"] else None
    except LookupError as error:
        raise CommandError(str(error), returncode=NOT_ASKED) from error
    if (somebody := grants.somebody(person)) is None:
        raise CommandError(f"Nobody here has the address {person!r}.", returncode=NOT_ASKED)
    decision = explain(somebody, permission, obj)
    command.stdout.write(json.dumps(decision.as_json()) if options["json"] else "\n".join(decision.reasons()))
    if not decision.allowed:
        raise CommandError("Refused.")
