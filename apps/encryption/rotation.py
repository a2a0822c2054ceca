"""Seals stored cells again under the present keys: for a new data key, a new index root, or a new normalizer.

A cell says which keys it was made with, so a run that was stopped goes on where it was, and several may run at once.
"""

from collections.abc import Iterable, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any

from django.db import models

from apps.encryption.envelope import BARE_HEADER, FIELD_CONTEXT
from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table, filled, stale
from apps.encryption.stored_files import rotate_files
from apps.encryption.swapping import Change
from apps.encryption.sweeping import BATCH, Row, Tally, Watch, again, walk, write


def to_do(tables: Iterable[Table], *, anew: bool = False) -> int:
    """How many rows of cells a rotation would look at."""
    return sum(table.rows().filter(wanted(table, anew=anew)).count() for table in tables)


def wanted(table: Table, *, anew: bool = False) -> models.Q:
    """Rows with a cell that is not sealed as today; with `anew`, all rows that have a cell."""
    return reduce(or_, map(filled if anew else stale, table.fields), models.Q(pk__in=()))


def rotate(
    tables: Sequence[Table], watch: Watch, *, anew: bool = False, dry_run: bool = False, batch: int = BATCH
) -> Tally:
    """Reseal what is not sealed with the present keys. What can't be opened is left as it is, told of and listed.

    Raises KeyringError if a ring can't be used.
    """
    tally = Tally()
    for table in tables:
        rotation = _Rotation(table, tally, anew=anew, dry_run=dry_run)
        again(watch, partial(rotation.over, watch, batch))
    rotate_files(tables, tally, watch, anew=anew, dry_run=dry_run)
    tally.stopped, tally.seconds = watch.stopped, watch.seconds
    tally.left = to_do(tables) if not dry_run else tally.changed
    return tally


def reseal(field: Encrypted, held: Any, bound: Any, pk: object, *, anew: bool = False) -> bytes:
    """The same value in a new cell, under the primary key and with a tag of the primary index root.

    A tag is kept if its root is the present one, unless `anew`: after a change of the normalizer it would be another.
    Raises what Encrypted.opened does, and ValueError.
    """
    cell, start, padded = field.opened(held, bound, pk)
    cipher, head, _ = field.sealer
    if field.search:
        kept = not anew and cell[1] == head[1]
        head += cell[BARE_HEADER:start] if kept else field.tags_of(padded)[0][1]
    return cipher.seal(padded, FIELD_CONTEXT + head + field.context + field.binding.encode(bound), head)


class _Rotation:
    """Of one table."""

    def __init__(self, table: Table, tally: Tally, *, anew: bool, dry_run: bool) -> None:
        self.table, self.tally, self.anew, self.dry_run = table, tally, anew, dry_run

    def over(self, watch: Watch, batch: int) -> int:
        """How many rows another writer has changed meanwhile, or holds, in one pass."""
        return sum(map(self.batch, walk(self.table, wanted(self.table, anew=self.anew), self.tally, watch, batch)))

    def batch(self, rows: list[Row]) -> int:
        groups: dict[tuple[Encrypted, ...], list[Change]] = {}
        for row in rows:
            if made := self.resealed(row):
                old, new = zip(*made.values(), strict=True)
                groups.setdefault(tuple(made), []).append((row.pk, old, new))
        if self.dry_run:
            self.tally.changed += sum(map(len, groups.values()))
            return 0
        return sum(write(self.table, fields, fields, changes, self.tally) for fields, changes in groups.items())

    def resealed(self, row: Row) -> dict[Encrypted, tuple[bytes, bytes]]:
        """The old and the new cell of each field of a row that needs one."""
        made = {}
        for field, cell in zip(self.table.fields, row.cells, strict=True):
            if cell is None or (bytes(cell[:BARE_HEADER]) == field.sealer.start and not self.anew):
                continue
            try:
                made[field] = bytes(cell), reseal(field, cell, field.binding.values(row.held), row.pk, anew=self.anew)
            except (EncryptionError, ValueError) as error:
                self.tally.fail(self.table, field, row.pk, error, cell=cell)
        return made
