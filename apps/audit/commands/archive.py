"""Move events past their retention to a file, as the tables' owner; what was sealed still verifies without them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from apps.audit import archiving, notes
from apps.audit.commands.verify import of_file
from apps.audit.errors import AuditError
from apps.audit.verification import verify


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("folder", type=Path, help="where the files go; keep it apart from the database")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be moved")
    parser.add_argument("--no-input", action="store_true", help="do not ask")


def run(command: BaseCommand, *, folder: Path, dry_run: bool, no_input: bool, **_: Any) -> None:
    runs = list(archiving.due(datetime.now(UTC)))
    for each in runs:
        count, last = each.end - each.begin, each.end - 1
        command.stdout.write(f"Positions {each.begin} to {last}: {count} events, all past their retention.")
    if not runs:
        command.stdout.write("No sealed period is past the retention of all its events.")
    if dry_run or not runs:
        return
    notes.signer()
    if not no_input and input("They leave the database for good. Type archive to go on: ") != "archive":
        raise CommandError("Nothing was moved.")
    if found := verify().count:
        raise CommandError(f"The log has {found} problems, and an archive would bury them. Run: manage.py audit verify")
    for each in runs:
        move(command, each, folder)


def move(command: BaseCommand, run: archiving.Run, folder: Path) -> None:
    try:
        path, digest = archiving.write(run, folder)
        if found := of_file(path).count:
            raise CommandError(f"{path} does not verify ({found} problems). Nothing of it was deleted.")
        archiving.drop(run, path, digest)
    except (AuditError, DatabaseError, OSError) as error:
        raise CommandError(f"Not archived, and nothing deleted: {error} Only the tables' owner may do this.") from error
    command.stdout.write(f"{path} holds positions {run.begin} to {run.end - 1}. SHA-256: {digest}")
