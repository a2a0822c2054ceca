"""How many events a second processes write, and how many rows of the same columns, each in a transaction of its own.

A new process imports this module before Django is set up there: what needs Django is imported in the functions.
"""

import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

from benchmarks.audit import settings
from benchmarks.bars import Bar

PLAIN, EVENT = "plain insert", "event"
ACTION = "audit_benchmark.ours.changed"
DETAILS: dict[str, Any] = {"page": "invoices"}
WARMING = 2.0  # seconds
CHANGES = {"paid": [False, True], "amount": [1990, 2100]}


def run(url: str, seconds: float) -> Iterator[Bar]:
    from django.db import connection, connections

    connections.close_all()
    rates: dict[tuple[str, int], float] = {}
    with get_context("spawn").Pool(8, settings.set_up, [url]) as pool:
        for _ in range(3):
            for writers in (1, 8):
                for what in (PLAIN, EVENT):
                    begin = time.monotonic() + WARMING  # the same clock for all processes
                    counts = pool.starmap(write, [(what, begin, begin + seconds)] * writers, chunksize=1)
                    rates[what, writers] = max(rates.get((what, writers), 0.0), sum(counts) / seconds)
    print(f"\n{connection.vendor}: rows a second, a transaction each{'by 1 process':>20}{'by 8':>12}")
    for what in (PLAIN, EVENT):
        print(f"{what:20}{rates[what, 1]:38.0f}{rates[what, 8]:14.0f}")
    for writers in (1, 8):
        ratio = rates[EVENT, writers] / rates[PLAIN, writers]
        yield Bar(f"{connection.vendor}: events/s of plain inserts/s, {writers} at once", 0.8, ratio, at_least=True)
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        ratio = rates[EVENT, 8] / rates[EVENT, 1]
        yield Bar(f"{connection.vendor}: events/s of 8 at once, of those of one", 1, ratio, at_least=True)


def write(what: str, begin: float, end: float) -> int:
    """Rows that this process writes between these two times, while all others write: who waits, writes none."""
    from django.contrib.auth import get_user_model
    from django.db import transaction

    from apps.audit.api import acting_as

    with acting_as(get_user_model()._default_manager.get()):
        act = recording() if what == EVENT else inserting()
        for _ in range(20):
            act()
        time.sleep(max(begin - time.monotonic(), 0))
        count = 0
        while time.monotonic() < end:
            with transaction.atomic():
                act()
            count += 1
    return count


def recording() -> Callable[[], Any]:
    from apps.audit.api import record
    from benchmarks.audit.models import Ours

    target = Ours.objects.all()[0]
    return lambda: record(ACTION, target=target, changes=CHANGES, **DETAILS)


def inserting() -> Callable[[], Any]:
    from uuid_utils.compat import uuid7

    from apps.audit.api import Happening, event_of
    from benchmarks.audit.models import Ours, PlainEvent

    event = event_of(ACTION, Happening(Ours.objects.all()[0], CHANGES, details=DETAILS))
    row = {field.attname: getattr(event, field.attname) for field in event._meta.concrete_fields}
    return lambda: PlainEvent(**row | {"id": uuid7()}).save(force_insert=True)
