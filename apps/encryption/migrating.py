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
from apps.encryption.sweeping import Row, Sweep, again, rewrite

type PlainField = models.Field[Any, Any]


def migrate(tables: Sequence[Table], source: str, sweep: Sweep, *, reverse: bool = False) -> None:
    """Make the encrypted field of these tables hold what the plain field `source` holds; or, in reverse, the plain one.

    Raises FieldError if there is no such field, if nothing keeps the two equal meanwhile, or if the one to be filled is
    the one that leads, and KeyringError.
    """
    for table in tables:
        _expect_moving(table, source, leader=table.fields[0].name if reverse else source)
    fill(tables, source, sweep, reverse=reverse)


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


def fill(tables: Sequence[Table], source: str, sweep: Sweep, *, reverse: bool = False) -> None:
    """The work of `migrate`, for a caller that knows that nobody writes meanwhile, such as a migration.

    It is done when a pass over all rows finds nothing to write. `left`: rows that differ after the last pass.
    """
    for table in tables:
        once = partial(_pass, table, plain_field(table.model, source), sweep, reverse=reverse)
        sweep.left += once() if sweep.dry_run else again(sweep, once)


def plain_field(model: type[models.Model], name: str) -> PlainField:
    """Raises FieldError if a model has no such column, or an encrypted one."""
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        found = None
    if isinstance(found, models.Field) and found.concrete and not isinstance(found, Encrypted):
        return found
    raise FieldError(f"{model._meta.label} has no plain field {name}.")


def _pass(table: Table, plain: PlainField, sweep: Sweep, *, reverse: bool) -> int:
    """How many rows differed in one pass, but for those that are listed as unreadable."""
    before = sweep.changed
    change = partial(_change, table, plain, sweep, reverse=reverse)
    left = rewrite(table, models.Q(), sweep, change, also=[plain.attname])
    return left + sweep.changed - before


def _change(table: Table, plain: PlainField, sweep: Sweep, row: Row, *, reverse: bool) -> Change:
    """What to write to a row whose two values differ."""
    field, cell, value = table.fields[0], row.cells[0], row.held[plain.attname]
    change = Change(row.pk, {plain: value, field: cell if cell is None else bytes(cell)}, {})
    if sweep.knows(table, field, row.pk):
        return change
    bound = field.binding.values(row.held)
    try:
        stored = None if cell is None else unpad(field.opened(cell, bound, row.pk)[2])
        if _equal(field, value, stored):
            return change
        if reverse:
            change.new[plain] = None if stored is None else field.codec.decode(stored)
        else:
            change.new[field] = None if value is None else field.cell(value, bound)
    except (EncryptionError, ValueError) as error:
        damaged = isinstance(error, EncryptionError)  # else it is the plain value that can't be sealed
        sweep.fail(table, field, row.pk, error, cell=cell if damaged else None)
    return change


def _equal(field: Encrypted, plain: Any, stored: bytes | None) -> bool:
    if plain is None or stored is None:
        return plain is None and stored is None
    if field.codec.mutable:  # of a JSON object, the database may change the order
        return bool(field.codec.decode(stored) == plain)
    return field.encoded(plain) == stored
