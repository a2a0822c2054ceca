"""Old events leave the table for a file, whole sealed periods at a time; their leaves stay, so the tree still verifies.

That they may be gone is a statement signed by this log: nobody without its key can excuse a deletion so. SPEC.md,
Archives, says what the file holds; `docs/reference/verify_export.py` checks one without Django.
"""

import gzip
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from hashlib import file_digest
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Exists, OuterRef, Q

from apps.audit import bulk
from apps.audit.actions import Action, registered
from apps.audit.api import record
from apps.audit.canonical import floor_of, moment
from apps.audit.errors import BadNote
from apps.audit.models import Archive, Checkpoint, Event, Leaf
from apps.audit.notes import opened, origin, signed
from apps.audit.triggers import lifted

CHUNK = 2_000


class Run(NamedTuple):
    """Neighboring periods: from one checkpoint's size (0: the beginning) to another's."""

    begin: int
    end: int


def archived(using: str = DEFAULT_DB_ALIAS, refused: Any = None) -> Iterator[Run]:
    """What was moved away, by signed statements; an unsigned one excuses nothing."""
    for row in Archive.objects.using(using).order_by("begin"):
        try:
            name, begin, end, *_ = opened(row.note).splitlines()
            if name == f"{origin()}/archive":
                yield Run(int(begin), int(end))
        except (BadNote, ValueError) as error:
            if refused:
                refused(f"archive {row.begin} to {row.end}", str(error))


def due(now: datetime, using: str = DEFAULT_DB_ALIAS) -> Iterator[Run]:
    """The periods all of whose events are past their retention and held by nobody, neighbors as one."""
    gone, stay = list(archived(using)), staying(now, using)
    first = next(stay, None)

    def may_go(period: Run) -> bool:
        nonlocal first
        while first is not None and first < period.begin:
            first = next(stay, None)
        away = any(run.begin <= period.begin and period.end <= run.end for run in gone)
        return not away and (first is None or first >= period.end)

    sizes = Checkpoint.objects.using(using).order_by("size").values_list("size", flat=True).iterator(CHUNK)
    periods = (Run(*sizes) for sizes in pairwise(chain([0], sizes)))
    for goes, found in groupby(periods, key=may_go):
        if goes:
            yield reduce(lambda first, last: Run(first.begin, last.end), found)


def staying(now: datetime, using: str) -> Iterator[int]:
    """The positions of events that are not past their retention, or are held, in order."""
    ages: dict[timedelta, list[str]] = {}
    for action in Event.objects.using(using).order_by().values_list("action", flat=True).distinct():
        ages.setdefault(kept(action), []).append(action)
    stays = Q(pk__in=[])
    for age, actions in ages.items():
        stays |= Q(action__in=actions, id__gte=floor_of(now - age))
    for hold in getattr(settings, "AUDIT_HOLDS", ()):
        stays |= Q(**hold)
    events = Event.objects.using(using).filter(stays, id=OuterRef("event_id"))
    found = Leaf.objects.using(using).filter(Exists(events)).order_by("position")
    return found.values_list("position", flat=True).iterator(CHUNK)


def kept(action: str) -> Any:
    found = registered().get(action)
    return found.retention if found else Action.__dataclass_fields__["retention"].default


def write(run: Run, folder: Path, using: str = DEFAULT_DB_ALIAS) -> tuple[Path, str]:
    """The run as a file, on the disk and read again; its path and SHA-256. One that exists is never overwritten."""
    path = folder / f"audit-{run.begin}-{run.end}.jsonl.gz"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:
            for line in lines(run, using):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    keep_name(folder)
    with path.open("rb") as written:
        return path, file_digest(written, "sha256").hexdigest()


def keep_name(folder: Path) -> None:
    """A file is on the disk when its name is too: before that, its events must not go."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lines(run: Run, using: str) -> Iterator[dict[str, Any]]:
    """First where the tree stands, then each event, and each checkpoint behind the events that it seals."""
    before = Checkpoint.objects.using(using).filter(size=run.begin).first()
    frontier = bytes(before.frontier).hex() if before else ""
    yield {"log": origin(), "size": run.begin, "frontier": frontier, "checkpoint": before.note if before else None}
    begin = run.begin
    for checkpoint in Checkpoint.objects.using(using).filter(size__gt=run.begin, size__lte=run.end).order_by("size"):
        for low in range(begin, checkpoint.size, CHUNK):
            yield from events(low, min(low + CHUNK, checkpoint.size), using)
        yield {"checkpoint": checkpoint.note}
        begin = checkpoint.size


def events(low: int, high: int, using: str) -> Iterator[dict[str, Any]]:
    places = Leaf.objects.using(using).filter(position__gte=low, position__lt=high)
    stored = Event.objects.using(using).filter(id__in=list(places.values_list("event_id", flat=True)))
    found = {row[0]: row for row in stored.values_list(*COLUMNS)}
    for leaf in places.order_by("position"):
        texts = map(str, found[leaf.event_id])
        yield {"position": leaf.position, "event": dict(zip(COLUMNS, texts, strict=True))}


COLUMNS = (*Event.COLUMNS, "digest")


def drop(run: Run, path: Path, digest: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Let the events go, in one transaction with the statement and an event of its own. For the tables' owner."""
    text = f"{origin()}/archive\n{run.begin}\n{run.end}\n{b64encode(bytes.fromhex(digest)).decode()}\n"
    with transaction.atomic(using=using):
        note = signed(text + f"time {moment(datetime.now(UTC))}\n")
        Archive(begin=run.begin, end=run.end, note=note).save(using=using)
        record("audit.log.archived", events=run.end - run.begin, file=path.name, sha256=digest)
        with lifted(using):
            bulk.remove_events(using, run.begin, run.end)
