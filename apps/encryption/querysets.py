"""The queryset of models with encrypted fields. A mixin: compose it with those of other apps."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from apps.encryption.attributes import Sealed
from apps.encryption.constraints import still_unique
from apps.encryption.fields import Encrypted, Ready
from apps.encryption.files import EncryptedFileField
from apps.encryption.guards import refuse_inside, sealed_field

BATCH = 1000  # rows of one INSERT: a third less time than one of 10,000 rows


class SealedQuerySet[M: models.Model](models.QuerySet[M]):
    """Makes bulk writes seal each value for its own row, and refuses to aggregate ciphertext."""

    def matching(self, **values: Any) -> list[M]:
        """The rows whose encrypted fields have these values, also where tags are short: each is opened and compared.

        None matches NULL. Raises FieldError if a field is not searchable, and EncryptionError if a value that must be
        compared can't be opened.
        """
        fields = {name: sealed_field(self.model, name) for name in values}
        if foreign := [name for name, field in fields.items() if not field or not field.search or "__" in name]:
            raise FieldError(
                f"{self.model._meta.label}.{foreign[0]} has no search=Exact(…). Filter by it with filter()."
            )
        rows = self.filter(**dict(_lookup(field, values[name]) for name, field in fields.items()))
        short = [field for field in fields.values() if field.search.bits and values[field.name] is not None]
        return [row for row in rows if all(_equal(field, row, values[field.name]) for field in short)]

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], batch_size: int | None = None) -> int:
        objs, names = list(objs), list(fields)
        sealed = [field for name in names if (field := sealed_field(self.model, name))]
        self._for_write = True
        with still_unique(self.model, objs, self.db, names), ready_to_write(objs, sealed):
            return super().bulk_update(objs, names, batch_size)

    def bulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[M]:
        """As Django's, by 1000 rows unless told otherwise: cells are objects, and all at once keep the collector busy.

        While two index roots live, a unique value that is there already raises, also with ignore_conflicts.
        """
        if update_conflicts:
            self._refuse_foreign_cells(update_fields or (), unique_fields or ())
        objs = list(objs)
        self._for_write = True
        with still_unique(self.model, objs, self.db):
            return super().bulk_create(
                objs, batch_size or BATCH, ignore_conflicts, update_conflicts, update_fields, unique_fields
            )

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        for expression in (*args, *kwargs.values()):
            if hasattr(expression, "resolve_expression"):
                refuse_inside(expression.resolve_expression(self.query.chain(), allow_joins=True, summarize=True))
        return super().aggregate(*args, **kwargs)

    def _refuse_foreign_cells(self, update_fields: Collection[str], unique_fields: Collection[str]) -> None:
        """A row found by another unique column keeps its key, and could not open a cell bound to the new one."""
        for name in update_fields:
            if isinstance(self.model._meta.get_field(name), EncryptedFileField):
                raise FieldError(f"{name} is an encrypted file: bulk_create(update_conflicts=True) can't replace it.")
        by_key = set(unique_fields) <= {"pk", self.model._meta.pk.name}
        for field in (sealed_field(self.model, name) for name in update_fields):
            if field and field.bind and not (by_key and field.bind == "pk"):
                raise FieldError(
                    f"{field.frozen_label} is bound to its row: bulk_create(update_conflicts=True) can write it only "
                    "with unique_fields=['pk']. Otherwise get the rows and use bulk_update()."
                )


def _lookup(field: Encrypted, value: Any) -> tuple[str, Any]:
    if value is None:
        return f"{field.name}__isnull", True
    return (f"{field.name}__maybe" if field.search and field.search.bits else field.name), value


def _equal(field: Encrypted, row: models.Model, value: Any) -> bool:
    search: Any = field.search
    made = [search.canonical(field, field.prepare(each)) for each in (getattr(row, field.attname), value)]
    return bool(made[0] == made[1])


@contextmanager
def ready_to_write(objs: Sequence[models.Model], fields: Sequence[Encrypted], *, add: bool = False) -> Iterator[None]:
    """In the block, the attributes give cells that are sealed for their rows. `add`: those that are kept are opened."""
    kept: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for obj in objs:
            for field in fields:
                held = field.sealed_for(obj, add=add)
                kept.append((obj.__dict__, field.attname, held))
                obj.__dict__[field.attname] = Ready(held.cell) if type(held) is Sealed else held
        yield
    finally:
        for held, attname, value in reversed(kept):
            held[attname] = value
