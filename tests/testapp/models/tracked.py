"""Tracked models: one with every kind of field and relation that changes must be seen through."""

from typing import ClassVar

import uuid_utils.compat
from django.conf import settings
from django.db import models

from apps.audit.querysets import AuditedQuerySet
from apps.encryption.fields import Encrypted
from apps.encryption.querysets import SealedQuerySet

__all__ = ["Author", "Book", "BookProxy", "Label", "Letter", "Memo", "Picture", "Printed"]


class Label(models.Model):
    name = models.CharField(max_length=30)

    def __str__(self) -> str:
        return self.name


class Author(models.Model):
    """Its key is the database's, and its name a secret."""

    name = models.TextField()
    password = models.CharField(max_length=60, blank=True)
    born = models.IntegerField(null=True)

    objects = AuditedQuerySet.as_manager()

    class Audit:
        track = ("name", "password", "born")
        reads = True

    def __str__(self) -> str:
        return f"author {self.pk}"


class Book(models.Model):
    title = models.CharField(max_length=100)
    pages = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    extra = models.JSONField(default=dict)
    cover = models.BinaryField(null=True)
    author = models.ForeignKey(Author, models.SET_NULL, null=True, related_name="books")
    editor = models.ForeignKey(Author, models.CASCADE, null=True, related_name="edited")
    labels = models.ManyToManyField(Label, related_name="books")
    draft = models.TextField(blank=True)
    isbn = models.CharField(max_length=20, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = AuditedQuerySet.as_manager()

    class Audit:
        exclude = ("draft",)
        sensitive = ("isbn",)

    def __str__(self) -> str:
        return self.title


class BookProxy(Book):
    class Meta:
        proxy = True


class Printed(Book):
    """In two tables."""

    run = models.IntegerField(default=0)


class MemoQuerySet(  # type: ignore[override]  # django-stubs gives each an as_manager() of its own
    AuditedQuerySet["Memo"], SealedQuerySet["Memo"]
): ...


class Memo(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    title = models.CharField(max_length=40)
    text = Encrypted(models.TextField(blank=True))
    facts = Encrypted(models.JSONField(default=dict))

    objects = MemoQuerySet.as_manager()

    class Audit: ...

    def __str__(self) -> str:
        return self.title


class Picture(models.Model):
    file = models.FileField(upload_to="pictures/")

    objects = AuditedQuerySet.as_manager()

    class Audit:
        track: ClassVar = ["file"]

    def __str__(self) -> str:
        return str(self.pk)


class Letter(models.Model):
    """About a person, who may be unknown."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    title = models.CharField(max_length=100)

    objects = AuditedQuerySet.as_manager()

    class Audit:
        subject = "owner"

    def __str__(self) -> str:
        return self.title
