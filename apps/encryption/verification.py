"""Opens every stored cell, to know that what is there can be read, and found. Changes nothing."""

from collections.abc import Sequence

from apps.encryption.errors import EncryptionError
from apps.encryption.inventory import Table
from apps.encryption.resealing import prove
from apps.encryption.rotation import wanted
from apps.encryption.stored_files import verify_files
from apps.encryption.sweeping import BATCH, Row, Tally, Watch, walk


def verify(tables: Sequence[Table], watch: Watch, *, batch: int = BATCH) -> Tally:
    """Open all cells and files of these tables, and hold each search tag to its value. `changed` counts what is sound.

    What can't be read is listed, and told of by signals.open_failed. Raises KeyringError.
    """
    tally = Tally()
    for table in tables:
        for rows in walk(table, wanted(table, anew=True), tally, watch, batch):
            tally.changed += sum(_is_sound(table, row, tally) for row in rows)
    verify_files(tables, tally, watch)
    tally.stopped, tally.seconds = watch.stopped, watch.seconds
    return tally


def _is_sound(table: Table, row: Row, tally: Tally) -> bool:
    sound = True
    for field, cell in zip(table.fields, row.cells, strict=True):
        try:
            if cell is not None:
                prove(field, cell, field.binding.values(row.held), row.pk)
        except EncryptionError as error:
            sound = False
            tally.fail(table, field, row.pk, error, cell=cell)
    return sound
