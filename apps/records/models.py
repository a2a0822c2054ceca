"""A record about a person. Its title is open to the database; what it says about the person is sealed."""

from typing import ClassVar

import uuid_utils.compat
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse

from apps.audit.querysets import AuditedQuerySet
from apps.encryption.fields import Encrypted
from apps.encryption.masks import last4
from apps.encryption.querysets import SealedQuerySet
from apps.encryption.search import Exact, SealedIndex
from apps.rbac.models import GroupShare, UserShare
from apps.rbac.querysets import ScopedQuerySet

has_digits = RegexValidator(r"\d", "This has no digits, by which it is found.")


class RecordQuerySet(  # type: ignore[override]  # django-stubs gives each of the three an as_manager() of its own
    ScopedQuerySet["Record"], AuditedQuerySet["Record"], SealedQuerySet["Record"]
): ...


class Record(models.Model):
    # Known before the insert, so that each sealed cell is bound to its row from the start.
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    title = models.CharField(max_length=120, help_text="Not encrypted: name no person here.")
    subject_name = Encrypted(models.CharField("name of the person", max_length=120))
    national_id = Encrypted(
        models.CharField("national ID", max_length=32, validators=[has_digits]),
        search=Exact("digits-1"),
        mask=last4,
        reveal="records.reveal_national_id",
    )
    notes = Encrypted(models.TextField(blank=True, max_length=10_000))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = RecordQuerySet.as_manager()

    class Audit:
        reads = True

    class Meta:
        ordering: ClassVar = ["-changed_at", "-id"]
        indexes: ClassVar = [SealedIndex("national_id", name="record_national_id")]
        permissions: ClassVar = [
            ("reveal_national_id", "Can see the whole national ID"),
            ("share_record", "Can share record"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("records:detail", args=[self.pk])


class RecordUserShare(UserShare):
    content_object = models.ForeignKey(Record, models.CASCADE)


class RecordGroupShare(GroupShare):
    content_object = models.ForeignKey(Record, models.CASCADE)
