"""Writes new cells by compare-and-swap: a row is written only if it still holds what the new cell was made from.

The only module of this app that runs SQL of its own: the ORM can't write another value to each row in one statement
and compare the old one, nor lock a name. Names come from the models and are quoted, values are bound.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, models, transaction


class Change(NamedTuple):
    """The old values of the columns that are compared, and the new ones of those that are written, by their fields."""

    pk: Any
    old: dict[Any, Any]
    new: dict[Any, Any]


def swap(alias: str, model: type[models.Model], changes: Sequence[Change]) -> int:
    """How many of the rows were written. A row that another writer has changed, deleted or locked is left alone.

    All compare and write the same columns. Those of encrypted fields take and compare bytes. Rows that are locked are
    not waited for, so two writers can't wait for each other; the caller comes back to them. Raises IntegrityError if a
    unique constraint forbids a change, and then writes none.
    """
    connection = connections[alias]
    with transaction.atomic(using=alias):
        free = _lock(alias, model, [change.pk for change in changes])
        ready = [_params(connection, model, change) for change in changes if change.pk in free]
        if not ready:
            return 0
        with connection.cursor() as cursor:
            cursor.executemany(_statement(connection, model, changes[0]), ready)
            return int(cursor.rowcount)


def lock(alias: str, name: str) -> None:
    """Until the end of the transaction. SQLite has one writer, and refuses one that has read what is out of date."""
    if connections[alias].vendor == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"rampart/unique/{name}".encode()).digest()[:8], signed=True)
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _lock(alias: str, model: type[models.Model], keys: list[Any]) -> set[Any]:
    """The rows that nobody else is writing, locked until the end of the transaction. SQLite locks the whole file."""
    if not connections[alias].features.has_select_for_update_skip_locked:
        return set(keys)
    rows = model._base_manager.using(alias).order_by().filter(pk__in=keys)
    return set(rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).values_list("pk", flat=True))


def _statement(connection: Any, model: type[models.Model], change: Change) -> str:
    quote = connection.ops.quote_name
    same = "IS" if connection.vendor == "sqlite" else "IS NOT DISTINCT FROM"  # NULL is NULL
    new = ", ".join(f"{quote(field.column)} = %s" for field in change.new)
    old = " AND ".join(f"{quote(field.column)} {same} %s" for field in change.old)
    # Fixed words, and names of the models' own columns; every value is bound.
    return f"UPDATE {quote(model._meta.db_table)} SET {new} WHERE {quote(model._meta.pk.column)} = %s AND {old}"  # noqa: S608 - as said above


def _params(connection: Any, model: type[models.Model], change: Change) -> list[Any]:
    return [
        *(_bound(connection, field, value) for field, value in change.new.items()),
        model._meta.pk.get_db_prep_value(change.pk, connection),
        *(_bound(connection, field, value) for field, value in change.old.items()),
    ]


def _bound(connection: Any, field: Any, value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return connection.Database.Binary(value)
    return field.get_db_prep_save(value, connection)
