"""What tracking adds to a save, ours and the peers'."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from apps.audit.api import Happening, acting_as, event_of
from apps.audit.writing import keep
from benchmarks.audit.models import AUDITLOG, HISTORY, OURS, PLAIN, SUBJECTS, TRIGGER
from benchmarks.bars import Bar


def run(saves: int, rounds: int) -> Iterator[Bar]:
    user = get_user_model().objects.create(username="ann@example.org")
    times: dict[str, float] = defaultdict(lambda: float("inf"))
    stored: dict[str, float] = {}
    for model in SUBJECTS.values():
        model.objects.bulk_create([model(**values(number)) for number in range(saves)])
    for turn in range(rounds):
        for name, model in SUBJECTS.items():
            with transaction.atomic():  # one for all, so that a commit's waiting does not drown what is measured
                times[name] = min(times[name], timed(model, user, name, turn))
    for name in SUBJECTS:
        stored[name] = bytes_an_event(name, saves * rounds)
    yield from save_bars(times, stored, saves)
    print(f"{'of ours, the INSERT':20}{min(inserted(user, saves) for _ in range(rounds)) / saves * 1e6:12.0f}")


def values(number: int) -> dict[str, Any]:
    return {"number": f"2026-{number:06}", "amount": Decimal("19.90"), "notes": "Thirty days, as agreed by phone. " * 4}


def timed(model: Any, user: Any, name: str, turn: int) -> float:
    """Seconds for loading, changing and saving each row, as a view does, for a person who is known."""
    keys = list(model.objects.values_list("pk", flat=True))
    with context(name, user):
        began = spent()
        for key in keys:
            row = model.objects.get(pk=key)
            row.amount += 1
            row.paid = turn % 2 == 0
            row.save()
        return spent() - began


def inserted(user: Any, saves: int) -> float:
    """Seconds for the statement alone, of events that are ready: what no code around it could save."""
    with acting_as(user), transaction.atomic():
        row = SUBJECTS[OURS].objects.first()
        changed = {"amount": [Decimal("19.90"), Decimal("20.90")], "paid": [False, True]}
        events = [event_of(f"{row._meta.label_lower}.changed", Happening(row, changed)) for _ in range(saves)]
        began = spent()
        for event in events:
            keep([event], connection.alias)
        return spent() - began


def spent() -> float:
    """Seconds of the processor, here and in the database's process: what else runs on the machine counts less so."""
    if connection.vendor != "postgresql":
        return time.process_time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (server,) = cursor.fetchone()
    return time.process_time() + int(Path(f"/proc/{server}/schedstat").read_text().split()[0]) / 1e9


def context(name: str, user: Any) -> AbstractContextManager[Any]:
    """Who acts, as each library is told in a request."""
    if name == OURS:
        return acting_as(user)
    if name == AUDITLOG:
        from auditlog.context import set_actor

        return set_actor(user, remote_addr="192.0.2.1")
    if name == HISTORY:
        from simple_history.models import HistoricalRecords

        HistoricalRecords.context.request = SimpleNamespace(user=user)
    if name == TRIGGER:
        import pghistory

        return pghistory.context(user=user.pk)
    return nullcontext()


def save_bars(times: dict[str, float], stored: dict[str, float], saves: int) -> Iterator[Bar]:
    added = {name: (times[name] - times[PLAIN]) / saves * 1e6 for name in SUBJECTS}
    untracked = times[PLAIN] / saves * 1e6
    print(f"\n{connection.vendor}: get, change and save a row ({untracked:.0f} µs where nothing is tracked)")
    print(f"{'':20}{'added, µs':>12}{'bytes an event':>18}")
    for name, cost in added.items():
        print(f"{name:20}{cost:12.0f}{stored[name]:18.0f}")
    for name, limit in ((AUDITLOG, 0.5), (HISTORY, 0.5), (TRIGGER, 1.3)):
        if name in added:
            yield Bar(f"{connection.vendor}: added to a save, of what {name} adds", limit, added[OURS] / added[name])


TABLES = {
    PLAIN: (),
    OURS: ("audit_event",),
    AUDITLOG: ("auditlog_logentry",),
    HISTORY: ("audit_benchmark_historicalhistory",),
    TRIGGER: ("audit_benchmark_triggerevent", "pghistory_context"),
}


def bytes_an_event(name: str, events: int) -> float:
    """With indexes, as the database counts them."""
    with connection.cursor() as cursor:
        size = 0
        for table in TABLES[name]:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            else:
                cursor.execute(
                    "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = %s)",
                    [table],
                )
            size += cursor.fetchone()[0] or 0
    return size / events
