"""Opens every stored cell, to know that what is there can be read, and found. Changes nothing."""

import hmac
from collections.abc import Sequence
from typing import Any

from apps.encryption.envelope import BARE_HEADER, ODD_ROOT, unpad
from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table
from apps.encryption.rotation import wanted
from apps.encryption.stored_files import verify_files
from apps.encryption.sweeping import Row, Sweep, walk


class TagMismatch(EncryptionError):
    """A cell opens, but its search tag is not that of its value: a look-up would not find the row."""


def verify(tables: Sequence[Table], sweep: Sweep) -> None:
    """Open all cells and files of these tables, and hold each search tag to its value. `changed` counts what is sound.

    What can't be read is listed, and told of by signals.open_failed. Raises KeyringError.
    """
    for table in tables:
        for rows in walk(table, wanted(table, anew=True), sweep):
            sweep.changed += sum(_is_sound(table, row, sweep) for row in rows)
    verify_files(tables, sweep)


def _is_sound(table: Table, row: Row, sweep: Sweep) -> bool:
    sound = True
    for field, cell in zip(table.fields, row.cells, strict=True):
        try:
            if cell is not None:
                prove(field, cell, field.binding.values(row.held), row.pk)
        except EncryptionError as error:
            sound = False
            sweep.fail(table, field, row.pk, error, cell=cell)
    return sound


def prove(field: Encrypted, held: Any, bound: Any, pk: object) -> None:
    """Open a cell to its value, and see that it is found by it.

    Raises what Encrypted.opened does, and TagMismatch.
    """
    cell, start, padded = field.opened(held, bound, pk)
    field.codec.decode(unpad(padded))
    if start == BARE_HEADER:
        return
    odd, tag = bool(cell[1] & ODD_ROOT), cell[BARE_HEADER:start]
    if not any(root == odd and hmac.compare_digest(made, tag) for root, made in field.tags_of(padded)):
        raise TagMismatch(f"{field.frozen_label} of row {pk} opens, but a search would not find it.")
