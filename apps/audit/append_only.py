"""Tables that only grow: what the model and its querysets refuse. The database refuses it too (triggers.py)."""

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn, Self

from django.db import models

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

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        if any(args[1:3]) or kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            refuse(self.model)
        return super().bulk_create(objs, *args, **kwargs)


class AppendOnly(models.Model):
    """Base of an append-only table. By `append_only` the triggers know which tables to guard; any model may set it."""

    append_only = True

    objects: ClassVar[models.Manager[Self]] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *, using: str | None = None, **kwargs: Any) -> None:
        known = not self._state.adding or getattr(self, "cells", None)  # with cells only `writing` stores it rightly
        if known or kwargs.get("force_update") or kwargs.get("update_fields") is not None:
            refuse(type(self))
        super().save(force_insert=True, using=using)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(type(self))
