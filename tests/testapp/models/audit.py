"""What the tests of the audit log act on: a thing that events are about, and a table that only grows."""

from typing import Any, ClassVar

from django.db import models

from apps.audit.append_only import AppendOnly

__all__ = ["Entry", "Thing"]


class Thing(models.Model):
    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title


class Entry(AppendOnly):
    """Append-only, with every kind of unique key that the triggers must compare."""

    number = models.IntegerField(unique=True)
    book = models.CharField(max_length=20)
    page = models.IntegerField(null=True)
    line = models.IntegerField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["book", "page"], name="entry_once_a_page"),
        ]
        unique_together: ClassVar = [("book", "line")]

    def __str__(self) -> str:
        return f"{self.book} {self.number}"
