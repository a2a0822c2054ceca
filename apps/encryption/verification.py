"""Opens every stored cell, to know that what is there can be read, and found. Changes nothing."""

from collections.abc import Sequence

from apps.encryption.errors import EncryptionError
from apps.encryption.inventory import Table, raw
from apps.encryption.resealing import prove, tell
from apps.encryption.rotation import wanted
from apps.encryption.stored_files import verify_files
from apps.encryption.sweeping import BATCH, Tally, Unreadable, Watch, batches


def verify(tables: Sequence[Table], watch: Watch, *, batch: int = BATCH) -> Tally:
    """Open all cells and files of these tables, and hold each search tag to its value. `changed` counts what is sound.

    What can't be read is listed, and told of by signals.open_failed. Raises KeyringError.
    """
    tally = Tally()
    for table in tables:
        _verify(table, tally, watch, batch)
        if watch.stopped:
            break
    verify_files(tables, tally, watch)
    tally.stopped, tally.seconds = watch.stopped, watch.seconds
    return tally


def _verify(table: Table, tally: Tally, watch: Watch, batch: int) -> None:
    names = sorted({name for field in table.fields for name in field.binding.attnames})
    columns = [*names, *(raw(field) for field in table.fields)]
    for rows in batches(table, wanted(table, anew=True), columns, batch):
        for pk, *rest in rows:
            tally.passed += 1
            tally.changed += _sound(table, tally, pk, dict(zip(names, rest, strict=False)), rest[len(names) :])
        watch.after(len(rows))
        if watch.stopped:
            return


def _sound(table: Table, tally: Tally, pk: object, held: dict[str, object], cells: list[object]) -> bool:
    sound = True
    for field, cell in zip(table.fields, cells, strict=True):
        try:
            if cell is not None:
                prove(field, cell, field.binding.values(held), pk)
        except EncryptionError as error:
            sound = False
            if tally.fail(Unreadable(field.frozen_label, table.alias, str(pk), type(error).__name__)):
                tell(field, error, cell, pk)
    return sound
