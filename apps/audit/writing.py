"""Events on their way into the database: now, in the current transaction, or after it whatever became of it.

Fails closed: what can't be told of must not happen. The innermost `atomic` around the event is rolled back even if
somebody swallows the error inside of it; who swallows it further out keeps what was done before that block. One
emergency line goes to the log (`audit.emergency`), without any value of the event.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connections, router, transaction
from django.db.models.sql import InsertQuery

from apps.audit import subjects
from apps.audit.errors import AuditError, NotRecorded
from apps.audit.live import lost, tell_when_committed
from apps.audit.models import Event

emergency = logging.getLogger("audit.emergency")

BATCH = 1000  # events of one call

NAMES = [column.attname for column in Event._meta.concrete_fields]
shown = attrgetter(*NAMES)

_queue: ContextVar[list[Event] | None] = ContextVar("audit_queue", default=None)
_batch: ContextVar[list[Event] | None] = ContextVar("audit_batch", default=None)


def is_collecting() -> bool:
    return _queue.get() is not None


def write(event: Event) -> None:
    """One insert, in the current transaction if there is one. Raises NotRecorded."""
    batch = _batch.get()
    if batch is not None:
        batch.append(event)
        if len(batch) >= BATCH:
            insert(batch)
        return
    using = router.db_for_write(Event)
    with failing_closed(event.action, using):
        keep([event], using)


def keep(events: Sequence[Event], using: str) -> None:
    """Raises NotRecorded also if a trigger or a rule that somebody put there drops events in silence."""
    connection = connections[using]
    native = connection.features.has_native_uuid_field
    rows = [[key if native else key.hex, *texts] for key, *texts in map(stored, events)]
    if keys := [key for event in events for key in event.keys]:
        subjects.sealer().keep(keys, using)
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(insertion(using), rows[0])
        else:
            cursor.executemany(insertion(using), rows)
        if cursor.rowcount != len(rows):
            raise NotRecorded(f"{actions_of(events)}: the database took {len(rows)} events, kept {cursor.rowcount}.")
    for event in events:
        event._state.adding, event._state.db, event.keys = False, using, ()
    tell_when_committed(list(events), using)


def stored(event: Event) -> Sequence[Any]:
    texts: Sequence[Any] = shown(event)
    return list(map(event.cells.get, NAMES, texts)) if event.cells else texts


@cache
def insertion(using: str) -> str:
    """The INSERT as Django compiles it, but once: to compile it for each event would take longer than all the rest."""
    query = InsertQuery(Event)
    query.insert_values(Event._meta.concrete_fields, [Event(id=UUID(int=0))])
    return str(query.get_compiler(using=using).as_sql()[0][0])


@contextmanager
def together() -> Iterator[None]:
    """Events written in this block, which a transaction is around, reach the database in few calls.

    After an error they do not: what they tell of is rolled back.
    """
    if _batch.get() is not None:
        yield
        return
    batch: list[Event] = []
    token = _batch.set(batch)
    try:
        yield
        insert(batch)
    finally:
        _batch.reset(token)


def insert(batch: list[Event]) -> None:
    """In the transaction around, or in one of its own."""
    using = router.db_for_write(Event)
    with failing_closed(actions_of(batch), using), transaction.atomic(using=using, savepoint=False):
        keep(batch, using)
    batch.clear()


def actions_of(events: Sequence[Event]) -> str:
    return ", ".join(sorted({event.action for event in events}))


def write_later(event: Event) -> None:
    """Keep the event until the request's transaction (or that of `acting_as`) has ended; outside of both, write it."""
    queue = _queue.get()
    if queue is None:
        write(event)
    else:
        queue.append(event)


@contextmanager
def surviving() -> Iterator[None]:
    """Collect what `write_later` is given, and write it at the end in a transaction of its own, also after an error."""
    queue: list[Event] = []
    token = _queue.set(queue)
    try:
        yield
    finally:
        _queue.reset(token)
        if queue:
            insert(queue)


@contextmanager
def failing_closed(what: str, using: str | None = None) -> Iterator[None]:
    """Turn any error of the block into a roll-back, an emergency line and NotRecorded."""
    try:
        yield
    except Exception as error:
        using = using or router.db_for_write(Event)
        if transaction.get_connection(using).in_atomic_block:
            transaction.set_rollback(True, using=using)
        lost.send_robust(sender=Event, actions=what)
        emergency.critical(
            "The audit log could not record %s (%s); what it tells of is rolled back.", what, type(error).__name__
        )
        if isinstance(error, AuditError):
            raise
        raise NotRecorded(
            f"{what} could not be recorded, so it was not done. The cause: {type(error).__name__}."
        ) from error
