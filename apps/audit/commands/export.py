"""Write events as OCSF, ECS, JSON lines or CSV, oldest first; an export that was cut off is taken up by --after."""

import os
from argparse import ArgumentTypeError
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import make_aware

from apps.audit import api
from apps.audit.actions import registered
from apps.audit.exports import BATCH, FORMATS, header, line, walk
from apps.audit.queries import matching


def moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day or time, such as 2026-03-01 or 2026-03-01T12:00") from None
    return found if found.tzinfo else make_aware(found)


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--since", type=moment, help="from this day or time on")
    parser.add_argument("--until", type=moment, help="up to before this day or time")
    parser.add_argument("--action", choices=list(registered()), metavar="ACTION", help="only this action")
    parser.add_argument("--after", type=UUID, metavar="ID", help="go on after the last event that was written")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append to this file instead of standard output")


def run(command: BaseCommand, *, out: Path | None, after: UUID | None, **options: Any) -> None:
    form = options["format"]
    filters = {name: options[name] for name in ("since", "until", "action") if options.get(name)}
    api.record("audit.log.exported", format=form, filters=filters, after=after)
    count, last = 0, after
    try:
        write(command, out, "" if after else header(form))
        for events in batched(walk(matching(filters), past=after), BATCH):
            write(command, out, "".join(line(form, event) for event in events))
            count, last = count + len(events), events[-1].id
            command.stderr.write(f"{count} events, up to {events[-1].occurred_at}")
    except OSError as error:
        raise CommandError(f"Stopped after {count} events: {error.strerror}. Go on with --after {last}") from error
    command.stderr.write(f"Done: {count} events. What comes later: --after {last}")


def write(command: BaseCommand, out: Path | None, text: str) -> None:
    """All of the text or nothing: what a full disk took half of is cut off again, so that --after goes on rightly."""
    if out is None:
        command.stdout.write(text, ending="")
        return
    with out.open("ab", buffering=0) as file:
        size, data = file.tell(), text.encode()
        try:
            if file.write(data) != len(data):
                raise OSError(28, os.strerror(28))
        except OSError:
            file.truncate(size)
            raise
