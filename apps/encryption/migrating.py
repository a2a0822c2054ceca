"""Fills an encrypted field from a plain one of the same rows, or the other way round, and proves the two equal.

As rotation does, by compare-and-swap and in batches: nothing waits, and a run that was stopped goes on.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models

from apps.encryption.envelope import unpad
from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table, present_start, raw
from apps.encryption.moving import MovingQuerySet, movings
from apps.encryption.resealing import encoded, opened, sealed, tell
from apps.encryption.rotation import PASSES
from apps.encryption.swapping import Change, swap
from apps.encryption.sweeping import BATCH, Tally, Unreadable, Watch, batches

type PlainField = models.Field[Any, Any]


def migrate(
    tables: Sequence[Table],
    source: str,
    watch: Watch,
    *,
    reverse: bool = False,
    dry_run: bool = False,
    batch: int = BATCH,
) -> Tally:
    """Make the encrypted field of these tables hold what the plain field `source` holds; or, in reverse, the plain one.

    Raises FieldError if there is no such field, if nothing keeps the two equal meanwhile, or if the one to be filled is
    the one that leads, and KeyringError.
    """
    for table in tables:
        _expect_moving(table, source, leader=table.fields[0].name if reverse else source)
    return fill(tables, source, watch, reverse=reverse, dry_run=dry_run, batch=batch)


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
        walk = _Fill(table, plain_field(table.model, source), tally, watch, reverse=reverse, dry_run=dry_run)
        differ = walk.over(batch)
        for _ in range(PASSES if not dry_run else 0):
            if not differ or watch.stopped:
                break
            time.sleep(0.05 if walk.missed else 0)
            differ = walk.over(batch)
        tally.left += differ
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

    def __init__(
        self, table: Table, plain: PlainField, tally: Tally, watch: Watch, *, reverse: bool, dry_run: bool
    ) -> None:
        self.table, self.plain, self.tally, self.watch = table, plain, tally, watch
        self.reverse, self.dry_run, self.missed = reverse, dry_run, 0
        self.field = table.fields[0]
        self.present = present_start(self.field)

    def over(self, batch: int) -> int:
        """How many rows differed in this pass, but for those that are listed as unreadable."""
        differ, self.missed = 0, 0
        columns = [*self.field.binding.attnames, self.plain.attname, raw(self.field)]
        for rows in batches(self.table, models.Q(), columns, batch):
            self.tally.passed += len(rows)
            changes = [change for row in rows if (change := self.change(*row))]
            differ += len(changes)
            self.write(changes)
            self.watch.after(len(rows))
            if self.watch.stopped:
                break
        return differ

    def write(self, changes: list[Change]) -> None:
        if not changes:
            return
        written = len(changes)
        if not self.dry_run:
            target = self.plain if self.reverse else self.field
            written = swap(self.table.alias, self.table.model, (self.plain, self.field), (target,), changes)
        self.tally.changed += written
        self.missed += len(changes) - written

    def change(self, pk: Any, *rest: Any) -> Change | None:
        """What to write to a row whose two values differ."""
        *held, plain, cell = rest
        bound = self.field.binding.values(dict(zip(self.field.binding.attnames, held, strict=True)))
        cell = cell if cell is None else bytes(cell)
        try:
            stored = None if cell is None else unpad(opened(self.field, cell, bound, pk)[2])
            if self.equal(plain, stored):
                return None
            return pk, (plain, cell), (self.value(plain, stored, bound),)
        except (EncryptionError, ValueError) as error:
            known = Unreadable(self.field.frozen_label, self.table.alias, str(pk), type(error).__name__)
            if self.tally.fail(known) and isinstance(error, EncryptionError):
                tell(self.field, error, cell, pk)
            return None

    def equal(self, plain: Any, stored: bytes | None) -> bool:
        if plain is None or stored is None:
            return plain is None and stored is None
        if self.field.codec.mutable:  # of a JSON object, the database may change the order
            return bool(self.field.codec.decode(stored) == plain)
        return encoded(self.field, plain) == stored

    def value(self, plain: Any, stored: bytes | None, bound: Any) -> Any:
        if self.reverse:
            return None if stored is None else self.field.codec.decode(stored)
        return None if plain is None else sealed(self.field, plain, bound, self.present)
