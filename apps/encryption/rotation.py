"""Seals stored cells again under the present keys: for a new data key, a new index root, or a new normalizer.

No lock is held while cells are made, and none is waited for. A cell says which keys it was made with, so a run that
was stopped goes on where it was, and several may run at once.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, models

from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table, any_of, filled, present_start, raw, stale
from apps.encryption.resealing import reseal, tell
from apps.encryption.stored_files import rotate_files
from apps.encryption.swapping import Change, swap
from apps.encryption.sweeping import BATCH, Tally, Unreadable, Watch, batches

PASSES = 20  # over what other writers were just changing


def to_do(tables: Iterable[Table], *, anew: bool = False) -> int:
    """How many rows of cells a rotation would look at."""
    return sum(table.rows().filter(wanted(table, anew=anew)).count() for table in tables)


def wanted(table: Table, *, anew: bool = False) -> models.Q:
    """Rows with a cell that is not sealed as today; with `anew`, all rows that have a cell."""
    return any_of((filled if anew else stale)(field) for field in table.fields)


def rotate(
    tables: Sequence[Table], watch: Watch, *, anew: bool = False, dry_run: bool = False, batch: int = BATCH
) -> Tally:
    """Reseal what is not sealed with the present keys. What can't be opened is left as it is, told of and listed.

    Raises KeyringError if a ring can't be used.
    """
    tally = Tally()
    for table in tables:
        for _ in range(PASSES):
            missed = _Walk(table, tally, watch, anew=anew, dry_run=dry_run).over(batch)
            if not missed or watch.stopped:
                break
            time.sleep(0.05)  # a moment for whoever holds those rows
    rotate_files(tables, tally, watch, anew=anew, dry_run=dry_run)
    tally.stopped, tally.seconds = watch.stopped, watch.seconds
    tally.left = to_do(tables) if not dry_run else tally.changed
    return tally


class _Walk:
    """One pass over one table."""

    def __init__(self, table: Table, tally: Tally, watch: Watch, *, anew: bool, dry_run: bool) -> None:
        self.table, self.tally, self.watch, self.anew, self.dry_run = table, tally, watch, anew, dry_run
        self.present = {field: present_start(field) for field in table.fields}
        self.bound = sorted({name for field in table.fields for name in field.binding.attnames})

    def over(self, batch: int) -> int:
        """How many rows another writer has changed meanwhile, or holds."""
        missed = 0
        columns = [*self.bound, *(raw(field) for field in self.table.fields)]
        for rows in batches(self.table, wanted(self.table, anew=self.anew), columns, batch):
            missed += self.batch(rows)
            self.watch.after(len(rows))
            if self.watch.stopped:
                break
        return missed

    def batch(self, rows: list[tuple[Any, ...]]) -> int:
        self.tally.passed += len(rows)
        groups: dict[tuple[Encrypted, ...], list[Change]] = {}
        for row in rows:
            if made := self.resealed(row):
                groups.setdefault(tuple(made), []).append(
                    (row[0], tuple(old for old, _ in made.values()), tuple(new for _, new in made.values()))
                )
        return sum(self.write(fields, changes) for fields, changes in groups.items())

    def resealed(self, row: tuple[Any, ...]) -> dict[Encrypted, tuple[bytes, bytes]]:
        """The old and the new cell of each field of a row that needs one."""
        pk, held = row[0], dict(zip(self.bound, row[1:], strict=False))
        made = {}
        for field, cell in zip(self.table.fields, row[1 + len(self.bound) :], strict=True):
            present = self.present[field]
            if cell is None or (bytes(cell[:6]) == present and not self.anew):
                continue
            try:
                made[field] = bytes(cell), reseal(field, cell, field.binding.values(held), pk, present, anew=self.anew)
            except (EncryptionError, ValueError) as error:
                self.failed(field, pk, error, cell)
        return made

    def failed(self, field: Encrypted, pk: Any, error: Exception, cell: Any) -> None:
        if self.tally.fail(Unreadable(field.frozen_label, self.table.alias, str(pk), type(error).__name__)):
            tell(field, error, cell, pk)

    def write(self, fields: tuple[Encrypted, ...], changes: list[Change]) -> int:
        """How many of these rows were not written, for being changed or held by another writer."""
        if self.dry_run:
            self.tally.changed += len(changes)
            return 0
        try:
            written = swap(self.table.alias, self.table.model, fields, fields, changes)
        except IntegrityError as error:
            return self.one_by_one(fields, changes, error)
        self.tally.changed += written
        return len(changes) - written

    def one_by_one(self, fields: tuple[Encrypted, ...], changes: list[Change], error: IntegrityError) -> int:
        """Find the row whose new tag a unique constraint refuses, so that the others are not held up by it."""
        if len(changes) > 1:
            return sum(self.write(fields, [change]) for change in changes)
        for field in fields:
            place = Unreadable(field.frozen_label, self.table.alias, str(changes[0][0]), type(error).__name__)
            self.tally.fail(place)
        return 0
