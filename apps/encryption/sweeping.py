"""Walking a table in batches, for as long as it takes: paced, told of, and stopped between two batches."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Self

from django.db import models

from apps.encryption.inventory import Table

BATCH = 1000  # rows; a writer of one of them waits for as long as these take, some hundredths of a second
SHOWN = 1000  # unreadable rows that a report lists; all are counted


@dataclass
class Unreadable:
    """A cell that could not be opened, and why: the name of the error, never the value."""

    label: str
    alias: str
    pk: str
    reason: str
    key: str = ""


@dataclass
class Tally:
    """What one walk has done. `changed`: rows written; `passed`: rows looked at; `left`: rows still to do."""

    passed: int = 0
    changed: int = 0
    left: int = 0
    stopped: bool = False
    seconds: float = 0.0
    failures: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    known: set[tuple[str, str, str]] = field(default_factory=set, repr=False)

    def fail(self, found: Unreadable) -> bool:
        """Note it; tell whether it is a new one."""
        place = (found.label, found.alias, found.pk)
        if place in self.known:
            return False
        self.known.add(place)
        self.failures += 1
        if len(self.unreadable) < SHOWN:
            self.unreadable.append(found)
        return True


class Watch:
    """Holds the pace, tells the progress once a second, and hears Ctrl-C, which it obeys after the batch.

    A second Ctrl-C ends the process at once; that loses nothing either, since a batch is one transaction.
    """

    def __init__(self, total: int = 0, *, max_rate: float = 0, say: Callable[[str], object] = lambda _: None) -> None:
        self.total, self.max_rate, self.say = total, max_rate, say
        self.done, self.stopped = 0, False
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
        self.done += rows
        if self.max_rate and not self.stopped:
            time.sleep(max(0.0, self.done / self.max_rate - self.seconds))
        now = time.monotonic()
        if now - self.told >= 1:
            self.told = now
            self.say(self.progress())

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def progress(self) -> str:
        """«12000 of 40000 rows, 8000/s, 4 s left»"""
        rate = self.done / max(self.seconds, 1e-6)
        left = max(0, self.total - self.done) / max(rate, 1e-6)
        return f"{self.done} of {max(self.total, self.done)} rows, {rate:.0f}/s, {left:.0f} s left"


def batches(
    table: Table, condition: models.Q, columns: list[Any], size: int = BATCH
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows that meet the condition, by ascending primary key (first of each row), read one batch at a time."""
    rows = table.rows().filter(condition).order_by("pk").values_list("pk", *columns)
    found = list(rows[:size])
    while found:
        yield found
        found = list(rows.filter(pk__gt=found[-1][0])[:size]) if len(found) == size else []
