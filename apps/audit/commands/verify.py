"""Find out whether the log is what it was: names each row that is wrong and what is wrong, and then fails."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from apps.audit import api, verification, witnesses
from apps.audit.notes import notes_in
from apps.audit.verification import MOST_LISTED, Report


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--since", type=datetime.fromisoformat, help="only what was sealed since this day or time")
    parser.add_argument("--against", type=Path, help="a file with checkpoints that were kept elsewhere")
    parser.add_argument("--export", type=Path, help="verify this archive (.jsonl.gz) instead of the database")
    parser.add_argument("--database", default=DEFAULT_DB_ALIAS)
    parser.add_argument("--no-record", action="store_true", help="write no event, as a role that may only read")
    parser.add_argument("--json", action="store_true", help="write one JSON object")


def run(command: BaseCommand, *, json: bool, export: Path | None, no_record: bool, **options: Any) -> None:
    began = time.monotonic()
    try:
        report = of_file(export) if export else of_database(command, **options)
    except (AttributeError, EOFError, OSError, KeyError, TypeError, ValueError, zlib.error) as error:
        raise CommandError(f"It can't be verified: {error}") from error
    if not (export or no_record):
        outcome = "failure" if report.count else "success"
        api.record("audit.log.verified", outcome=outcome, events=report.events, findings=report.count)
    seconds = time.monotonic() - began
    command.stdout.write(as_json(report, seconds) if json else as_text(report, seconds))
    if report.count:
        raise CommandError(f"{report.count} problems. Keep a copy of the database before anything is repaired.")


def of_file(path: Path) -> Report:
    with gzip.open(path) as lines:
        return verification.verify_export(lines)


def of_database(
    command: BaseCommand, *, since: datetime | None, against: Path | None, database: str, **_: Any
) -> Report:
    if since and not since.tzinfo:
        since = since.replace(tzinfo=UTC)
    if against and not any(notes_in(against)):
        raise ValueError(f"{against} holds no checkpoint.")
    notes = chain(witnesses.kept(), notes_in(against) if against else ())
    return verification.verify(database, since=since, against=notes, progress=progress(command))


def progress(command: BaseCommand) -> Callable[[int, int], None]:
    began = time.monotonic()

    def tell(done: int, of: int) -> None:
        left = timedelta(seconds=round((time.monotonic() - began) * (of - done) / max(done, 1)))
        command.stderr.write(f"\r{done} of {of} events, about {left} left ", ending="" if done < of else "\n")

    return tell


def as_json(report: Report, seconds: float) -> str:
    return json.dumps(asdict(report) | {"intact": not report.count, "seconds": round(seconds, 2)})


def as_text(report: Report, seconds: float) -> str:
    lines = [f"{each.kind}: {each.where}: {each.what}" for each in report.findings]
    if report.count > MOST_LISTED:
        lines.append(f"… and {report.count - MOST_LISTED} more")
    rate = f"in {seconds:.1f} s ({report.events / max(seconds, 0.001):,.0f} a second)"
    verdict = f"{report.count} problems" if report.count else "intact"
    return "\n".join([*lines, f"{report.events} events up to position {report.size} {rate}: {verdict}."])
