"""A person's own keys: each a row, and what was sealed with it can be read as long as the row is there."""

import uuid_utils.compat
from django.db import models

from apps.encryption.fields import Encrypted
from apps.encryption.querysets import SealedQuerySet


class SubjectKey(models.Model):
    """subject: `app.model:key` of the person. One may have several: two transactions need not wait for each other."""

    stored = False  # whether it is known to be in the table for good

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    subject = models.CharField(max_length=200, db_index=True)
    key = Encrypted(models.BinaryField())

    objects = SealedQuerySet["SubjectKey"].as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"a key of {self.subject}"
