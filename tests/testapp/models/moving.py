"""A model whose values move from a plain field to an encrypted one while the site runs."""

import uuid_utils.compat
from django.db import models

from apps.encryption.fields import Encrypted
from apps.encryption.moving import Moving, MovingQuerySet
from apps.encryption.querysets import SealedQuerySet
from apps.encryption.search import Exact

__all__ = ["Employee"]


class EmployeeQuerySet(  # type: ignore[override]  # django-stubs gives each an as_manager() of its own
    MovingQuerySet["Employee"], SealedQuerySet["Employee"]
): ...


class Employee(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    title = models.CharField(max_length=40, blank=True)
    ssn = models.CharField(max_length=11, null=True)
    sealed_ssn = Encrypted(models.CharField(max_length=11, null=True), search=Exact("digits-1"))
    pay = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    sealed_pay = Encrypted(models.DecimalField(max_digits=8, decimal_places=2, null=True))
    file = models.JSONField(null=True)
    sealed_file = Encrypted(models.JSONField(null=True))
    moving_ssn = Moving("ssn", "sealed_ssn", leader="ssn")

    objects = EmployeeQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)
