"""Walking a table in batches, for as long as it takes: paced, told of, and stopped between two batches.

No lock is held while new values are made, and none is waited for: a batch is written by compare-and-swap, and what
another writer was just changing is looked at again in the next pass.
"""

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import FrameType
from typing import Any, NamedTuple, Self

from django.db import IntegrityError, models

from apps.encryption.inventory import Table, raw
from apps.encryption.swapping import Change, swap

BATCH = 1000  # rows; a writer of one of them waits for as long as these take, some hundredths of a second
SHOWN = 1000  # unreadable rows that a report lists; all are counted
PASSES = 20  # over what other writers were just changing


@dataclass
class Unreadable:
    """A cell that could not be opened, and why: the name of the error, never the value."""

    label: str
    alias: str
    pk: str
    reason: str


@dataclass
class Sweep:
    """One run over stored cells and files: how fast it may go, how far it is, and what it found.

    It tells its progress once a second, and hears Ctrl-C, which it obeys after the batch. A second Ctrl-C ends the
    process at once; that loses nothing either, since a batch is one transaction.
    """

    total: int = 0
    max_rate: float = 0  # rows a second; 0 is as fast as it can
    batch: int = BATCH  # rows of a transaction
    dry_run: bool = False
    say: Callable[[str], object] = lambda _: None
    passed: int = 0  # rows looked at
    changed: int = 0  # rows written, or that would be
    left: int = 0  # rows still to do
    stopped: bool = False
    failures: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    known: set[tuple[str, str, str]] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.began = self.told = time.monotonic()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        self.say("Stopping after this batch. Run it again to go on.")

    def after(self, rows: int) -> None:
        """To be called after each batch: waits if it went too fast."""
        self.passed += rows
        if self.max_rate and not self.stopped:
            time.sleep(max(0.0, self.passed / self.max_rate - self.seconds))
        now = time.monotonic()
        if now - self.told >= 1:
            self.told = now
            self.say(self.progress())

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def progress(self) -> str:
        """«12000 of 40000 rows, 8000/s, 4 s left»"""
        rate = self.passed / max(self.seconds, 1e-6)
        left = max(0, self.total - self.passed) / max(rate, 1e-6)
        return f"{self.passed} of {max(self.total, self.passed)} rows, {rate:.0f}/s, {left:.0f} s left"

    def fail(self, table: Table, labeled: Any, pk: object, error: Exception, *, cell: Any = None) -> None:
        """Note once that a row's cell or file can't be read or written; of a `cell`, tell by signals.open_failed."""
        if self.knows(table, labeled, pk):
            return
        found = Unreadable(labeled.frozen_label, table.alias, str(pk), type(error).__name__)
        self.known.add((found.label, found.alias, found.pk))
        self.failures += 1
        if len(self.unreadable) < SHOWN:
            self.unreadable.append(found)
        if cell is not None:
            labeled.tell(error, cell, sender=labeled.model, pk=found.pk)

    def knows(self, table: Table, labeled: Any, pk: object) -> bool:
        return (labeled.frozen_label, table.alias, str(pk)) in self.known


class Row(NamedTuple):
    """`held`: the values of bound columns, and of others that were asked for. `cells`: those of the table's fields."""

    pk: Any
    held: dict[str, Any]
    cells: list[Any]


def walk(table: Table, condition: models.Q, sweep: Sweep, *, also: Collection[str] = ()) -> Iterator[list[Row]]:
    """Rows that meet the condition, by ascending primary key, read one batch at a time, until told to stop."""
    size = sweep.batch
    names = sorted({*also, *(name for field in table.fields for name in field.binding.attnames)})
    rows = table.rows().filter(condition).order_by("pk").values_list("pk", *names, *map(raw, table.fields))
    found = list(rows[:size])
    while found and not sweep.stopped:
        yield [Row(pk, dict(zip(names, rest, strict=False)), rest[len(names) :]) for pk, *rest in found]
        sweep.after(len(found))
        found = list(rows.filter(pk__gt=found[-1][0])[:size]) if len(found) == size else []


def rewrite(
    table: Table, condition: models.Q, sweep: Sweep, change: Callable[[Row], Change], *, also: Collection[str] = ()
) -> int:
    """Write what `change` makes of these rows. How many were not written: another writer has changed or holds them."""
    left = 0
    for rows in walk(table, condition, sweep, also=also):
        alike: dict[tuple[Any, ...], list[Change]] = {}  # by the columns that one statement writes
        for made in filter(attrgetter("new"), map(change, rows)):
            alike.setdefault((*made.old, *made.new), []).append(made)
        if sweep.dry_run:
            sweep.changed += sum(map(len, alike.values()))
        else:
            left += sum(_write(table, changes, sweep) for changes in alike.values())
    return left


def again(sweep: Sweep, once: Callable[[], int]) -> int:
    """Pass after pass, until one has nothing left for the next. Returns what is left after the last."""
    for _ in range(PASSES):
        left = once()
        if not left or sweep.stopped:
            break
        time.sleep(0.05)  # a moment for whoever holds those rows
    return left


def _write(table: Table, changes: Sequence[Change], sweep: Sweep) -> int:
    try:
        done = swap(table.alias, table.model, changes)
    except IntegrityError as error:
        if len(changes) > 1:  # find the row that a constraint refuses, so that the others are not held up by it
            return sum(_write(table, [change], sweep) for change in changes)
        for field in changes[0].old.keys() & set(table.fields):
            sweep.fail(table, field, changes[0].pk, error)
        return 0
    sweep.changed += done
    return len(changes) - done
