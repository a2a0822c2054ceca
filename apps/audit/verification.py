"""Is the log what it was? Reads all of it once, in flat memory, and names each row that is wrong and what is wrong.

Every checkpoint's root is signed and its frontier folds to that root, so each period is judged by itself: a bad one is
named, and the walk goes on behind it. SPEC.md, Verifying.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from re import findall
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Exists, Min, OuterRef, Q, TextField
from django.db.models.functions import Cast, Substr

from apps.audit import bulk, sealing, subjects, triggers
from apps.audit.archiving import archived
from apps.audit.bulk import Row
from apps.audit.canonical import digest_of, floor_of, harmless, moment, moment_of
from apps.audit.errors import BadNote
from apps.audit.models import Checkpoint, Event, Leaf
from apps.audit.notes import Sealed
from apps.audit.seals import limit
from apps.audit.tree import HASH_SIZE, Tree, leaf_hash

CHUNK = 10_000
PAGE = 500
NO_TEXT = b"\xff"  # for what is none in an archive: these bytes are in no digest of text
MOST_LISTED = 1_000  # findings; all are counted


class Kind(StrEnum):
    CHECKPOINT_MISSING = "checkpoint missing"
    EVENT_CHANGED = "event changed"
    EVENT_INSERTED = "event inserted"
    EVENT_MISSING = "event missing"
    KEY_MISSING = "key missing"
    LEAF_INSERTED = "leaf inserted"
    LEAF_MISSING = "leaf missing"
    LOG_CUT = "log cut"
    NOTE_REFUSED = "note refused"
    ROOT_DIFFERS = "root differs"
    UNGUARDED = "unguarded"
    UNSEALED = "unsealed"


class Finding(NamedTuple):
    """where: an event's id, a range of positions, or a checkpoint by its size."""

    kind: Kind
    where: str
    what: str


@dataclass
class Report:
    events: int = 0
    size: int = 0
    count: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, where: str, what: str) -> None:
        self.count += 1
        if len(self.findings) < MOST_LISTED:
            self.findings.append(Finding(kind, harmless(where), harmless(what)))


class Walk:
    """Along the leaves, from one checkpoint to the next."""

    def __init__(self, report: Report, tree: Tree, latest: str = "") -> None:
        self.report, self.tree, self.latest = report, tree, latest
        self.begin, self.whole, self.first, self.last = tree.size, True, "", ""

    def leaf(self, row: Row, *, archived: bool = False) -> None:
        self.gap(row.position)
        self.first, self.last = self.first or row.event_id, row.event_id
        self.tree.append(leaf_hash(row.leaf))
        self.report.events += 1
        if row.digest is None:
            if not archived:
                self.report.add(Kind.EVENT_MISSING, row.event_id, f"what was sealed at {row.position} is gone")
        elif row.digest != row.leaf:
            self.report.add(Kind.EVENT_CHANGED, row.event_id, "it is not what was sealed (or its leaf was changed)")
        elif row.stored != row.digest.hex():
            self.report.add(Kind.EVENT_CHANGED, row.event_id, "its own digest does not fit it")

    def gap(self, position: int) -> None:
        """Leaves that should stand before this position and do not."""
        if position != self.tree.size:
            self.report.add(
                Kind.LEAF_MISSING, f"{self.tree.size} to {position - 1}", "no leaves stand at these positions"
            )
            self.whole, self.tree = False, Tree(position, [bytes(HASH_SIZE)] * position.bit_count())

    def reach(self, checkpoint: Checkpoint) -> None:
        """The end of a period."""
        size, stored = checkpoint.size, stored_tree(checkpoint)
        self.gap(size)
        if sealed := read(self.report, size, checkpoint.note, self.latest):
            self.latest = max(self.latest, sealed.time)
            self.judge(size, sealed, stored)
        elif stored and not self.whole:
            self.tree = stored  # unsigned, and yet the next signed root tells whether it is right
        self.begin, self.whole, self.first, self.last = size, True, "", ""

    def judge(self, size: int, sealed: Sealed, stored: Tree | None) -> None:
        if sealed.size - sealed.events != self.begin:
            lost = sealed.size - sealed.events
            self.report.add(Kind.CHECKPOINT_MISSING, str(lost), f"the checkpoint before that of {size} is missing")
        if self.whole and self.tree.root() != sealed.root:
            where = f"{self.begin} to {size - 1}"
            between = f"events {self.first} to {self.last}"
            self.report.add(Kind.ROOT_DIFFERS, where, f"the leaves are not those that were signed, of {between}")
        elif not (stored and stored.root() == sealed.root):
            self.report.add(Kind.ROOT_DIFFERS, f"checkpoint {size}", "its frontier is not that of its signed root")
        if stored and stored.root() == sealed.root:
            self.tree = stored


def stored_tree(checkpoint: Checkpoint) -> Tree | None:
    try:
        return Tree.of(checkpoint.size, bytes(checkpoint.frontier))
    except ValueError:
        return None


def read(report: Report, size: int, note: str, after: str = "") -> Sealed | None:
    try:
        sealed = Sealed.read(note, after)
        if sealed.size != size:
            raise BadNote("malformed", f"it was signed for size {sealed.size}")
    except BadNote as error:
        report.add(Kind.NOTE_REFUSED, f"checkpoint {size}", f"{error.kind}: {error}")
        return None
    return sealed


def verify(
    using: str = DEFAULT_DB_ALIAS,
    *,
    since: datetime | None = None,
    against: Iterable[str] = (),
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Report:
    """All of the log, or what was sealed after the last checkpoint before `since`. against: notes kept elsewhere."""
    report, last = Report(), sealing.last_checkpoint(using)
    report.size = last.size if last else 0
    for table in triggers.unguarded(using):
        report.add(Kind.UNGUARDED, table, "its append-only triggers are missing or altered")
    tree, latest = start_of(using, since) if since else (Tree(), "")
    with bulk.along_keys(using):
        along(using, Walk(report, tree, latest), progress)
    behind(using, report)
    for note in against:
        compare(using, report, note)
    without_keys(using, report, since)
    waiting(using, report, read(Report(), last.size, last.note) if last else None, since)
    return report


def start_of(using: str, since: datetime) -> tuple[Tree, str]:
    """The tree and the time of the last good checkpoint signed before that time."""
    for checkpoint in Checkpoint.objects.using(using).order_by("-size").iterator():
        sealed, tree = read(Report(), checkpoint.size, checkpoint.note), stored_tree(checkpoint)
        if sealed and tree and tree.root() == sealed.root and datetime.fromisoformat(sealed.time) < since:
            return tree, sealed.time
    return Tree(), ""


def along(using: str, walk: Walk, progress: Callable[[int, int], None]) -> None:
    report, begin = walk.report, walk.tree.size
    gone = list(archived(using, lambda where, what: report.add(Kind.NOTE_REFUSED, where, what)))
    ends = Checkpoint.objects.using(using).filter(size__gt=begin).order_by("size").iterator(PAGE)
    end = next(ends, None)
    done = begin
    # Whole lists: one connection does one thing at a time.
    while rows := list(bulk.beside_leaves(using, done, report.size, CHUNK)):
        for row in rows:
            while end and end.size <= row.position:
                walk.reach(end)
                end = next(ends, None)
            walk.leaf(row, archived=any(first <= row.position < past for first, past in gone))
        done = rows[-1].position + 1
        progress(done - begin, report.size - begin)
    while end and end.size <= report.size:
        walk.reach(end)
        end = next(ends, None)


def behind(using: str, report: Report) -> None:
    """Leaves where no checkpoint reaches. (What is sealed meanwhile has its own: asked for after the leaves.)"""
    outside = Q(position__gte=report.size) | Q(position__lt=0)
    stray = list(Leaf.objects.using(using).filter(outside).order_by("position")[:MOST_LISTED])
    last = sealing.last_checkpoint(using)
    for leaf in stray:
        if not 0 <= leaf.position < (last.size if last else 0):
            what = f"a leaf at position {leaf.position}, which no checkpoint has signed"
            report.add(Kind.LEAF_INSERTED, str(leaf.event_id), what)


def compare(using: str, report: Report, note: str) -> None:
    """With a checkpoint that was kept elsewhere."""
    try:
        sealed = Sealed.read(note)
    except BadNote as error:
        report.add(Kind.NOTE_REFUSED, "a checkpoint kept elsewhere", f"{error.kind}: {error}")
        return
    where, signed = f"checkpoint {sealed.size}", f"which was signed at {sealed.time} and kept elsewhere"
    here = Checkpoint.objects.using(using).filter(pk=sealed.size).first()
    if here is None and sealed.size > report.size:
        report.add(Kind.LOG_CUT, where, f"the log ends at {report.size}, before the one {signed}")
    elif here is None:
        report.add(Kind.CHECKPOINT_MISSING, where, f"it is not here, {signed}")
    elif (found := read(Report(), here.size, here.note)) is None or found.root != sealed.root:
        report.add(Kind.ROOT_DIFFERS, where, f"another one is here than that {signed}: the past was rewritten")


def waiting(using: str, report: Report, last: Sealed | None, since: datetime | None) -> None:
    """Events without a leaf: new ones wait for the sealer, others should not be there."""
    now = datetime.now(UTC)
    low, high = sealing.window(last, now)
    leaf = Leaf.objects.using(using).filter(event_id=OuterRef("id"))
    events = Event.objects.using(using).filter(~Exists(leaf), **({"id__gte": floor_of(since)} if since else {}))
    texts = events.order_by("id").annotate(text=Cast("id", TextField())).values_list("text", flat=True)
    for text in texts.iterator(CHUNK):
        try:
            found = UUID(text)
        except ValueError:  # SQLite holds any text
            report.add(Kind.EVENT_INSERTED, text[:64], "its id is none that this log gives")
            continue
        if not low <= found < high:
            what = f"its time is {moment(moment_of(found))}, and what was sealed when that was swept has it not"
            report.add(Kind.EVENT_INSERTED, str(found), what)
        elif now - moment_of(found) > limit():
            report.add(Kind.UNSEALED, str(found), f"it has been waiting for its seal for {now - moment_of(found)}")


def without_keys(using: str, report: Report, since: datetime | None) -> None:
    """Sealed cells whose key is gone, though no event tells of its destruction."""
    events: Any = Event.objects.using(using).filter(**{"id__gte": floor_of(since)} if since else {}).order_by()
    told = Event.objects.using(using).filter(action=getattr(settings, "AUDIT_SHREDDED", "")).values_list("details")
    for column in subjects.COLUMNS if subjects.sealer() else ():
        sealed, plain = ({f"{column}__startswith": text} for text in (subjects.MARK, f"{subjects.MARK}:"))
        named = events.filter(**sealed).exclude(**plain).annotate(key=Substr(column, len(subjects.MARK) + 1, 32))
        found = named.exclude(key__in=subjects.sealer().known())
        found = list(found.values_list("key").annotate(count=Count("pk"), first=Min(Cast("pk", TextField()))))
        destroyed = findall("[0-9a-f]{32}", str(list(told.all())) if found else "")
        for key, count, first in found:
            if key not in destroyed:
                what = f"the key {key} of {column} in {count} events is gone, and no event tells of its destruction"
                report.add(Kind.KEY_MISSING, first, what)


def verify_export(lines: Iterable[bytes]) -> Report:
    """An archive, by itself: digests, places, roots and signatures. Raises ValueError if it is none."""
    report, end = Report(), b""
    head = json.loads(next(iter(lines := iter(lines)), b"null"))
    if not isinstance(head, dict) or not {"size", "frontier", "checkpoint"} <= head.keys():
        raise ValueError("The file does not begin as an archive of this log does.")
    tree = Tree.of(head["size"], bytes.fromhex(head["frontier"]))
    before = read(report, tree.size, head["checkpoint"]) if tree.size else None
    if before and before.root != tree.root():
        report.add(Kind.ROOT_DIFFERS, f"checkpoint {tree.size}", "its frontier is not that of its signed root")
    walk = Walk(report, tree, before.time if before else "")
    for end in lines:
        step(walk, json.loads(end))
    report.size = walk.tree.size
    if not end.startswith(b'{"checkpoint"'):
        report.add(Kind.LOG_CUT, f"position {report.size}", "the file does not end with a checkpoint")
    return report


def step(walk: Walk, entry: dict[str, Any]) -> None:
    if note := entry.get("checkpoint"):
        walk.reach(Checkpoint(size=walk.tree.size, note=note, frontier=walk.tree.packed()))
        return
    columns = entry["event"]
    digest = digest_of(text.encode() if isinstance(text, str) else NO_TEXT for text in map(columns.get, Event.COLUMNS))
    walk.leaf(Row(entry["position"], str(columns["id"]), digest, digest, columns["digest"]))
