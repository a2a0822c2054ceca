"""How many events a second are sealed and verified, and what of memory that takes.

Rates are those of one core: of the processor's time that this process and its database server take together.
"""

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection

from benchmarks.audit.saves import spent
from benchmarks.bars import Bar

WANTED = 50_000  # events a second
FLAT = 64.0  # MB that a verification of all may take above one of few


def run(events: int) -> Iterator[Bar]:
    from apps.audit import sealing

    material = b64encode(os.urandom(32)).decode()
    settings.AUDIT_SIGNING_KEYS = json.dumps({"0000000a": {"state": "primary", "material": material}})
    settings.AUDIT_ORIGIN = "benchmark/audit"
    fill(1_000)
    for _ in sealing.seal():
        pass
    verified()  # what is loaded once is loaded
    fill(events)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does, which a throw-away server has not
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = peak()
    sealed = timed("seal", lambda: sum(batch.events for batch in sealing.seal()))
    checked = timed("verify", verified)  # all of the log: what the other measurements have written is in it
    vendor = connection.vendor
    yield Bar(f"{vendor}: events sealed a second of a core", WANTED, sealed, at_least=True)
    yield Bar(f"{vendor}: events verified a second of a core", WANTED, checked, at_least=True)
    yield Bar(f"{vendor}: MB more for {events} events than for 1000", FLAT, peak() - before)
    yield Bar(f"{vendor}: bytes of a leaf with its indexes", 200, bytes_of_leaf())


def verified() -> int:
    from apps.audit.verification import verify

    report = verify()
    if report.count:
        raise SystemExit(f"What was sealed does not verify: {report.count} problems.")
    return report.events


def timed(what: str, work: Callable[[], int]) -> float:
    """Events a second, of those that the work says it did."""
    began, clock = spent(), time.monotonic()
    events = work()
    rate, clock = events / (spent() - began), time.monotonic() - clock
    print(f"{connection.vendor}: {what} {events} events: {rate:,.0f} a second of a core, {clock:.1f} s by the clock")
    return rate


def peak() -> float:
    """MB of memory that this process has taken at most."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def fill(events: int) -> None:
    """Events as a site has them. Made in the database, whose work is not what is measured."""
    from uuid_utils.compat import uuid7

    from apps.audit import canonical
    from apps.audit.models import Event

    for at in range(0, events, 5_000):
        rows = []
        for number in range(at, min(at + 5_000, events)):
            key: UUID = uuid7()
            event = Event(
                id=key,
                occurred_at=canonical.moment(canonical.moment_of(key)),
                action="records.record.changed",
                outcome="success",
                severity="info",
                actor_type="user",
                actor_id=f"019b76da-0000-7000-8000-{number % 1000:012}",
                actor_label=f"person{number % 1000}@example.org",
                on_behalf_of="",
                ip="2001:db8::1",
                user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                session="5f2b51ca2fdc5baa31ec02e002f69aec",
                request_id=f"{number:032x}",
                route="records/<uuid:pk>/edit/",
                method="POST",
                target_type="records.record",
                target_id=f"019b76da-0000-7000-8000-{number:012}",
                target_label="Überweisung 42",
                reason="",
                changes='{"amount":["19.90","21.00"],"paid":[false,true]}',
                details='{"page":"invoices"}',
            )
            event.digest = event.computed_digest()
            rows.append(event)
        Event.objects.bulk_create(rows)
    print(f"{datetime.now(UTC):%H:%M:%S} {events} events are there", flush=True)


def bytes_of_leaf() -> float:
    from apps.audit.models import Leaf

    count = Leaf.objects.count()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_total_relation_size('audit_leaf')")
        else:
            cursor.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%audit_leaf%'")
        return float(cursor.fetchone()[0] or 0) / count
