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
from apps.encryption.sweeping import Row, Sweep, again, rewrite


def to_do(tables: Iterable[Table], *, anew: bool = False) -> int:
    """How many rows of cells a rotation would look at."""
    return sum(table.rows().filter(wanted(table, anew=anew)).count() for table in tables)


def wanted(table: Table, *, anew: bool = False) -> models.Q:
    """Rows with a cell that is not sealed as today; with `anew`, all rows that have a cell."""
    return reduce(or_, map(filled if anew else stale, table.fields), models.Q(pk__in=()))


def rotate(tables: Sequence[Table], sweep: Sweep, *, anew: bool = False) -> None:
    """Reseal what is not sealed with the present keys. What can't be opened is left as it is, told of and listed.

    Raises KeyringError if a ring can't be used.
    """
    for table in tables:
        change = partial(_change, table, sweep, anew=anew)
        again(sweep, partial(rewrite, table, wanted(table, anew=anew), sweep, change))
    rotate_files(tables, sweep, anew=anew)
    sweep.left = sweep.changed if sweep.dry_run else to_do(tables)


def _change(table: Table, sweep: Sweep, row: Row, *, anew: bool) -> Change:
    """The old and the new cell of each field of a row that needs one."""
    change = Change(row.pk, {}, {})
    for field, cell in zip(table.fields, row.cells, strict=True):
        if cell is None or (bytes(cell[:BARE_HEADER]) == field.sealer.start and not anew):
            continue
        try:
            change.new[field] = reseal(field, cell, field.binding.values(row.held), row.pk, anew=anew)
            change.old[field] = bytes(cell)
        except (EncryptionError, ValueError) as error:
            sweep.fail(table, field, row.pk, error, cell=cell)
    return change


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
