"""Events for other programs: CSV, JSON lines as stored, OCSF, ECS. Read by the key, so that any number fits."""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from apps.audit import ecs, ocsf
from apps.audit.models import Event

BATCH: Final = 1_000
CSV_MOST: Final = 50_000  # events of one download
CSV_COLUMNS: Final = ("sentence", *Event.COLUMNS, "digest")
FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet runs, or takes away: CWE-1236

forward = logging.getLogger("audit.events")


def stored(event: Event) -> dict[str, Any]:
    """The columns as they are, from which the digest can be computed again."""
    return {name: event.stored(name) for name in (*Event.COLUMNS, "digest")} | {"schema": event.schema}


DOCUMENTS: Final[dict[str, Callable[[Event], dict[str, Any]]]] = {
    "ecs": ecs.document,
    "jsonl": stored,
    "ocsf": ocsf.document,
}
FORMATS: Final = ("csv", *DOCUMENTS)


def header(form: str) -> str:
    return row(CSV_COLUMNS) if form == "csv" else ""


def line(form: str, event: Event) -> str:
    if form == "csv":
        return row([getattr(event, name) for name in CSV_COLUMNS])
    return json.dumps(DOCUMENTS[form](event), ensure_ascii=False, separators=(",", ":")) + "\n"


def row(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([defused(str(cell)) for cell in cells])
    return text.getvalue()


def defused(cell: str) -> str:
    """A cell that begins like a formula gets an apostrophe, and so does one that begins with an apostrophe."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def walk(events: QuerySet[Event], order: str = "id", past: UUID | None = None) -> Iterator[Event]:
    """All of them in the order of their ids ("-id": the newest first), by batches; `past` is where to go on."""
    bound = "id__lt" if order == "-id" else "id__gt"
    while batch := list((events.filter(**{bound: past}) if past else events).order_by(order)[:BATCH]):
        yield from batch
        past = batch[-1].id


def download(events: QuerySet[Event]) -> Iterator[str]:
    """The newest events as CSV. What was left out is said in the last row."""
    found = walk(events, "-id")
    yield header("csv")
    for event in islice(found, CSV_MOST):
        yield line("csv", event)
    if next(found, None) is not None:
        yield row([f"Only the newest {CSV_MOST} events are here. For all: manage.py audit export"])


def stream(events: list[Event], **kwargs: Any) -> None:
    """Hears of committed events, and writes each to the log `audit.events`, if AUDIT_STREAM names a format."""
    if form := getattr(settings, "AUDIT_STREAM", ""):
        for event in events:
            forward.info("%s", line(form, event).rstrip("\n"))
