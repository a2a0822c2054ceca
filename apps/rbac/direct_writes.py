"""Rows that grant something are written by the services alone, which check who gives what to whom and tell about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import models

from apps.rbac.errors import DirectGrantError

_in_service: ContextVar[bool] = ContextVar("rbac_in_service", default=False)


@contextmanager
def by_service() -> Iterator[None]:
    """Rights may be written inside the block. For apps.rbac itself."""
    token = _in_service.set(True)
    try:
        yield
    finally:
        _in_service.reset(token)


def refuse_unless_service(what: str) -> None:
    """Raises DirectGrantError."""
    if not _in_service.get():
        raise DirectGrantError(f"{what} is written by services alone: those of apps.rbac.sharing and .assignments.")


class GuardedQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Refuses bulk writes from outside; `create` and the like arrive at `GuardedModel.save`.

    What Django deletes or clears itself, when a user or an object goes, does not pass here.
    """

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[Row]:
        refuse_unless_service(self.model.__name__)
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        refuse_unless_service(self.model.__name__)
        return super().bulk_update(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        refuse_unless_service(self.model.__name__)
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        refuse_unless_service(self.model.__name__)
        return super().delete()


class GuardedModel(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        refuse_unless_service(type(self).__name__)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        refuse_unless_service(type(self).__name__)
        return super().delete(*args, **kwargs)
