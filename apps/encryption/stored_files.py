"""Encrypted files in bulk: which keys they name, sealing them anew, reading each to its end."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import models

from apps.encryption import rings
from apps.encryption.errors import EncryptionError
from apps.encryption.file_lifecycle import key_id, reseal, verify
from apps.encryption.files import EncryptedFileField
from apps.encryption.inventory import Count, Table
from apps.encryption.sweeping import Sweep

BATCH = 100  # rows read at a time; each file is a write of its own


def rows_with_files(table: Table, field: EncryptedFileField) -> "models.QuerySet[Any]":
    return table.rows().exclude(**{field.attname: ""}).exclude(**{f"{field.attname}__isnull": True})


def number(tables: Iterable[Table]) -> int:
    """How many rows name a file."""
    return sum(rows_with_files(table, field).count() for table in tables for field in table.files)


def counts(tables: Iterable[Table]) -> list[Count]:
    """The keys that files name. The beginning of each is read; one that is missing or not sealed has no key."""
    total: Counter[tuple[str, str, str]] = Counter()
    for table in tables:
        for field in table.files:
            for instance in _instances(table, field):
                total[field.frozen_label, table.alias, _key_of(getattr(instance, field.attname))] += 1
    return [Count(label, alias, key, "", cells) for (label, alias, key), cells in sorted(total.items())]


def _key_of(file: Any) -> str:
    try:
        return key_id(file)
    except (EncryptionError, OSError):
        return ""


def rotate_files(tables: Iterable[Table], sweep: Sweep, *, anew: bool) -> None:
    """Seal under the primary key the files that name another. One that is replaced meanwhile stays replaced."""
    present = rings.data_ring().primary.id

    def rotate(table: Table, field: EncryptedFileField, instance: models.Model) -> bool:
        if not anew and key_id(getattr(instance, field.attname)) == present:
            return False
        return sweep.dry_run or reseal(instance, field, using=table.alias)

    _each(tables, sweep, rotate)


def verify_files(tables: Iterable[Table], sweep: Sweep) -> None:
    """Read each file to its end: only that authenticates all of it."""
    _each(tables, sweep, lambda _, field, instance: verify(getattr(instance, field.attname)) >= 0)


def _each(
    tables: Iterable[Table], sweep: Sweep, work: Callable[[Table, EncryptedFileField, models.Model], bool]
) -> None:
    for table in tables:
        for field in table.files:
            for instance in _instances(table, field):
                if sweep.stopped:
                    return
                try:
                    sweep.changed += work(table, field, instance)
                except (EncryptionError, OSError) as error:  # storage.py has told of it by signals.open_failed
                    sweep.fail(table, field, instance.pk, error)
                sweep.after(1)


def _instances(table: Table, field: EncryptedFileField) -> Iterator[Any]:
    rows = rows_with_files(table, field).order_by("pk").only("pk", field.attname, *field.binding.attnames)
    found = list(rows[:BATCH])
    while found:
        yield from found
        found = list(rows.filter(pk__gt=found[-1].pk)[:BATCH])
