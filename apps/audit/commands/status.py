"""Tell what is sealed, what waits and which witness lags; fails when somebody should look."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from apps.audit import notes, seals


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", dest="as_json", help="write one JSON object")


def run(command: BaseCommand, *, as_json: bool, **_: Any) -> None:
    status = seals.status()
    verifiers = [key.verifier(notes.origin()) for key in notes.ring()]
    if as_json:
        command.stdout.write(json.dumps({**asdict(status), "verifiers": verifiers}, cls=DjangoJSONEncoder))
    else:
        command.stdout.write("\n".join(described(status)))
        command.stdout.write("To check signatures elsewhere, keep:\n" + "\n".join(f"  {each}" for each in verifiers))
    if status.problems:
        raise CommandError("\n".join(status.problems))


def described(status: seals.Status) -> list[str]:
    verified = "never" if status.verified_at is None else f"{status.verified_at:%Y-%m-%d %H:%M}"
    outcome = {None: "", True: ": intact", False: f": {status.findings} problems"}[status.intact]
    waiting = f", the oldest for {status.oldest_unsealed}" if status.oldest_unsealed else ""
    return [
        f"Sealed    {status.size} events"
        + (f", last at {status.sealed_at:%Y-%m-%d %H:%M}" if status.sealed_at else ""),
        f"Waiting   {status.unsealed}{waiting}",
        f"Verified  {verified}{outcome}",
        *(f"Witness   {each.name}: {each.behind} events behind" for each in status.witnesses),
    ]
