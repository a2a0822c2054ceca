"""Fills an encrypted field from a plain one of the same rows, or the other way round, and proves the two equal.

As rotation does, by compare-and-swap and in batches: nothing waits, and a run that was stopped goes on.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models

from apps.encryption.envelope import unpad
from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table
from apps.encryption.moving import MovingQuerySet, movings
from apps.encryption.swapping import Change
from apps.encryption.sweeping import BATCH, Row, Tally, Watch, again, walk, write

type PlainField = models.Field[Any, Any]


def migrate(tables: Sequence[Table], source: str, watch: Watch, *, reverse: bool = False, **options: Any) -> Tally:
    """Make the encrypted field of these tables hold what the plain field `source` holds; or, in reverse, the plain one.

    Raises FieldError if there is no such field, if nothing keeps the two equal meanwhile, or if the one to be filled is
    the one that leads, and KeyringError.
    """
    for table in tables:
        _expect_moving(table, source, leader=table.fields[0].name if reverse else source)
    return fill(tables, source, watch, reverse=reverse, **options)


def _expect_moving(table: Table, source: str, *, leader: str) -> None:
    model, names = table.model, {source, table.fields[0].name}
    declared = [moving for moving in movings(model) if moving.names == names]
    if not declared or not isinstance(model._default_manager.all(), MovingQuerySet):
        raise FieldError(
            f"Nothing keeps {source} and {table.fields[0].name} of {model._meta.label} equal while the site runs. "
            f"Declare Moving({source!r}, {table.fields[0].name!r}, leader={source!r}) and a MovingQuerySet (moving.py)."
        )
    if declared[0].leader != leader:
        raise FieldError(f"{declared[0].leader} leads: filling it from the other would undo what was written since.")


def fill(
    tables: Sequence[Table],
    source: str,
    watch: Watch,
    *,
    reverse: bool = False,
    dry_run: bool = False,
    batch: int = BATCH,
) -> Tally:
    """The work of `migrate`, for a caller that knows that nobody writes meanwhile, such as a migration.

    It is done when a pass over all rows finds nothing to write. `left`: rows that differ after the last pass.
    """
    tally = Tally()
    for table in tables:
        filling = _Fill(table, plain_field(table.model, source), tally, reverse=reverse, dry_run=dry_run)
        once = partial(filling.over, watch, batch)
        tally.left += once() if dry_run else again(watch, once)
    tally.stopped, tally.seconds = watch.stopped, watch.seconds
    return tally


def plain_field(model: type[models.Model], name: str) -> PlainField:
    """Raises FieldError if a model has no such column, or an encrypted one."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        found = None
    if isinstance(found, models.Field) and found.concrete and not isinstance(found, Encrypted):
        return found
    raise FieldError(f"{model._meta.label} has no plain field {name}.")


class _Fill:
    """Passes over one table."""

    def __init__(self, table: Table, plain: PlainField, tally: Tally, *, reverse: bool, dry_run: bool) -> None:
        self.table, self.plain, self.tally, self.reverse, self.dry_run = table, plain, tally, reverse, dry_run
        self.field = table.fields[0]

    def over(self, watch: Watch, batch: int) -> int:
        """How many rows differed in this pass, but for those that are listed as unreadable."""
        differ = 0
        for rows in walk(self.table, models.Q(), self.tally, watch, batch, also=[self.plain.attname]):
            changes = [change for row in rows if (change := self.change(row))]
            differ += len(changes)
            if self.dry_run:
                self.tally.changed += len(changes)
            elif changes:
                target = self.plain if self.reverse else self.field
                write(self.table, (self.plain, self.field), (target,), changes, self.tally)
        return differ

    def change(self, row: Row) -> Change | None:
        """What to write to a row whose two values differ."""
        if self.tally.knows(self.table, self.field, row.pk):
            return None
        plain, bound = row.held[self.plain.attname], self.field.binding.values(row.held)
        cell = row.cells[0] if row.cells[0] is None else bytes(row.cells[0])
        try:
            stored = None if cell is None else unpad(self.field.opened(cell, bound, row.pk)[2])
            if self.equal(plain, stored):
                return None
            return row.pk, (plain, cell), (self.value(plain, stored, bound),)
        except (EncryptionError, ValueError) as error:
            damaged = isinstance(error, EncryptionError)  # else it is the plain value that can't be sealed
            self.tally.fail(self.table, self.field, row.pk, error, cell=cell if damaged else None)
            return None

    def equal(self, plain: Any, stored: bytes | None) -> bool:
        if plain is None or stored is None:
            return plain is None and stored is None
        if self.field.codec.mutable:  # of a JSON object, the database may change the order
            return bool(self.field.codec.decode(stored) == plain)
        return self.field.encoded(plain) == stored

    def value(self, plain: Any, stored: bytes | None, bound: Any) -> Any:
        if self.reverse:
            return None if stored is None else self.field.codec.decode(stored)
        return None if plain is None else self.field.cell(plain, bound)
