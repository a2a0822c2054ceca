"""Rows in bulk, by SQL of our own: many times as fast as objects, and a sealer may take little of a busy machine.

An event is read as the bytes that its digest is over, so that no text of an attacker has to be understood first. On
PostgreSQL that is COPY in its binary form, where each column already stands behind its length.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from apps.audit.canonical import DIGEST_LABEL, digest_of
from apps.audit.errors import SealerBusy
from apps.audit.models import Event, Progress

LOCK: Final = int.from_bytes(sha256(b"apps.audit sealer").digest()[:8], signed=True)
COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
COPY_END: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"  # in place of a length
NO_DIGEST: Final = b""  # of a row with a column that is null, or bytes in place of text: none fits
LEAF_ROW: Final = Struct(">HIqI16sI32s")  # each column behind its length


class Row(NamedTuple):
    """An event beside its leaf. digest: computed from the columns, None if there is no such event. stored: its own."""

    position: int
    event_id: str
    leaf: bytes
    digest: bytes | None
    stored: str


@contextmanager
def along_keys(using: str) -> Iterator[None]:
    """A transaction in which PostgreSQL reads by the keys, a part at a time, whatever old statistics make it think."""
    with transaction.atomic(using=using):
        if is_postgresql(using):
            with connections[using].cursor() as cursor:
                cursor.execute("SET LOCAL enable_sort = off")
                cursor.execute("SET LOCAL enable_hashjoin = off")
        yield


@contextmanager
def alone(using: str) -> Iterator[None]:
    """One transaction in which no other sealer seals; a crash ends both. Raises SealerBusy."""
    with along_keys(using):
        if is_postgresql(using):
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
                if not cursor.fetchone()[0]:
                    raise SealerBusy("Another sealer is at work.")
        else:  # the first write of a transaction takes SQLite's one lock on writing, and waits for it
            Progress.objects.using(using).filter(name="").update(error="")
        yield


def unsealed(using: str, after: UUID, below: UUID, most: int) -> list[tuple[str, bytes]]:
    """Id and computed digest of up to `most` events without a leaf whose id lies between, by id."""
    low, high = stored_id(using, after), stored_id(using, below)
    where = (
        "FROM audit_event e WHERE e.id >= %s AND e.id < %s "
        "AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.event_id = e.id AND l.event_id >= %s AND l.event_id < %s) "
        "ORDER BY e.id LIMIT %s"
    )
    given = [low, high, low, high, most]  # bounds for leaves too, or the whole of their index would be read
    return [(row.event_id, row.digest or b"") for row in rows(using, ("0", "e.id", "''"), where, given)]


def beside_leaves(using: str, begin: int, end: int, most: int) -> Iterator[Row]:
    """The first `most` leaves from position `begin` up to `end`, each with its event."""
    where = (
        "FROM audit_leaf l LEFT JOIN audit_event e ON e.id = l.event_id "
        "WHERE l.position >= %s AND l.position < %s ORDER BY l.position LIMIT %s"
    )
    return rows(using, ("l.position", "l.event_id", "l.digest"), where, [begin, end, most])


def rows(using: str, keys: tuple[str, str, str], where: str, given: list[Any]) -> Iterator[Row]:
    read = copied if is_postgresql(using) else fetched
    return read(using, keys, where, given)


def copied(using: str, keys: tuple[str, str, str], where: str, given: list[Any]) -> Iterator[Row]:
    first = "{}::bigint, {}::text, {}::bytea".format(*keys)
    columns = ", ".join(f"e.{name}::text" for name in Event.COLUMNS)
    statement = f"COPY (SELECT {first}, e.digest, {columns} {where}) TO STDOUT (FORMAT BINARY)"
    with copying(using, statement, given) as stream:
        skip = len(COPY_HEADER)
        for piece in stream:  # the server sends a row a piece, the first one behind the header
            data = bytes(piece)[skip:]
            skip = 0
            if data != COPY_END:
                yield parsed(data)


@contextmanager
def copying(using: str, statement: str, given: Sequence[Any] | None = None) -> Iterator[Any]:
    connection: Any = connections[using]
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement, given) as stream:
        yield stream


def parsed(data: bytes) -> Row:
    at, found = 2, []  # behind the number of columns
    for _ in range(4):
        length, at = max(int.from_bytes(data[at : at + 4], signed=True), 0), at + 4
        found.append(data[at : at + length])
        at += length
    position, event_id, leaf, stored = found
    digest = None if data[at : at + 4] == NULL else sha256(DIGEST_LABEL + data[at:]).digest()
    return Row(int.from_bytes(position), event_id.decode(), leaf, digest, stored.decode())


def fetched(using: str, keys: tuple[str, str, str], where: str, given: list[Any]) -> Iterator[Row]:
    position, *others = keys
    columns = [f"e.{name}" for name in Event.COLUMNS]
    read = ", ".join(f"CAST({name} AS BLOB)" for name in (*others, "e.digest", *columns))
    # As bytes a text reads the same here, and is found by no filter: SQLite sorts bytes behind all text.
    are_text = f"MAX({', '.join(columns)}) < x''"
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {position}, {are_text}, {read} {where}", given)
        while some := cursor.fetchmany(1000):
            for place, whole, event_id, leaf, stored, key, *texts in some:
                name = hyphened(event_id)  # the event's own key is the same, if it is there
                digest = None if key is None else digest_of([name.encode(), *texts]) if whole else NO_DIGEST
                yield Row(place, name, leaf, digest, (stored or b"").decode(errors="replace"))


def hyphened(stored: bytes) -> str:
    """The id as SPEC.md writes it, from how SQLite keeps it."""
    text = stored.decode(errors="replace")
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def add_leaves(using: str, position: int, events: Sequence[tuple[str, bytes]]) -> None:
    given = [(at, name.replace("-", ""), digest) for at, (name, digest) in enumerate(events, position)]
    if not is_postgresql(using):
        with connections[using].cursor() as cursor:
            cursor.executemany("INSERT INTO audit_leaf (position, event_id, digest) VALUES (%s, %s, %s)", given)
        return
    with copying(using, "COPY audit_leaf (position, event_id, digest) FROM STDIN (FORMAT BINARY)") as stream:
        leaves = (LEAF_ROW.pack(3, 8, at, 16, bytes.fromhex(name), 32, digest) for at, name, digest in given)
        stream.write(COPY_HEADER + b"".join(leaves) + COPY_END)


def remove_events(using: str, begin: int, end: int) -> None:
    """Of the archive, inside `lifted`: the events go, their leaves stay."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_event WHERE id IN "
            "(SELECT event_id FROM audit_leaf WHERE position >= %s AND position < %s)",
            [begin, end],
        )


def stored_id(using: str, identifier: UUID) -> str:
    return str(identifier) if is_postgresql(using) else identifier.hex


def is_postgresql(using: str) -> bool:
    return connections[using].vendor == "postgresql"
