"""Tables that only grow: what the model and its querysets refuse. The database refuses it too (triggers.py)."""

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn, Self

from django.db import models
from django.db.models.base import ModelBase

from apps.audit.errors import AppendOnlyError


def refuse(model: type[models.Model]) -> NoReturn:
    raise AppendOnlyError(f"{model._meta.label} is append-only: its rows are never changed or deleted.")


class AppendOnlyQuerySet[M: models.Model](models.QuerySet[M]):
    """Reads and inserts. What would change or delete rows raises AppendOnlyError before it reaches the database.

    The asynchronous ways call these.
    """

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(self.model)

    update = bulk_update = update_or_create = delete = _raw_delete = _refuse

    def bulk_create(
        self,
        objs: Iterable[M],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> list[M]:
        if ignore_conflicts or update_conflicts:
            refuse(self.model)
        return super().bulk_create(objs, batch_size, *args, **kwargs)


class AppendOnly(models.Model):
    """Base of an append-only table. By `append_only` the triggers know which tables to guard; any model may set it."""

    append_only = True

    objects: ClassVar[models.Manager[Self]] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if not self._state.adding or force_update or update_fields is not None:
            refuse(type(self))
        super().save(force_insert=force_insert or True, using=using)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(type(self))
