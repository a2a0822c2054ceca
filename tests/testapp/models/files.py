"""Models with encrypted files, for the tests of apps.encryption."""

import uuid_utils.compat
from django.core.validators import FileExtensionValidator
from django.db import models

from apps.encryption.fields import Encrypted
from apps.encryption.files import EncryptedFileField
from apps.encryption.querysets import SealedQuerySet

__all__ = ["Scan", "ScanPage", "ScanProxy", "UnboundScan"]


class Scan(models.Model):
    """The usual case."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    title = models.CharField(max_length=80, blank=True)
    file_name = Encrypted(models.CharField(max_length=20, blank=True))
    file = EncryptedFileField(
        upload_to="scans/",
        blank=True,
        max_size=200_000,
        name_field="file_name",
        validators=[FileExtensionValidator(["pdf", "txt"])],
    )

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class ScanProxy(Scan):
    class Meta:
        proxy = True


class UnboundScan(models.Model):
    """Not bound to its row, whose key is the database's."""

    file = EncryptedFileField(upload_to="unbound/", bind=None, label="testapp.scan.unbound")

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)


class ScanPage(models.Model):
    """Bound to other columns than the primary key, which come after the file."""

    file = EncryptedFileField(upload_to="pages/", bind=("scan", "number"))
    scan = models.ForeignKey(Scan, models.CASCADE)
    number = models.IntegerField()

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.number)
