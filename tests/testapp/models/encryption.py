"""Models with encrypted fields, for the tests of apps.encryption."""

import uuid_utils.compat
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from apps.encryption.constraints import UniqueSealed
from apps.encryption.fields import Encrypted
from apps.encryption.masks import last4
from apps.encryption.querysets import SealedQuerySet
from apps.encryption.search import Exact, SealedIndex

__all__ = ["Clinic", "Everything", "Member", "Patient", "PlainPatient", "Tenanted", "Unbound"]


class Clinic(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    motto = Encrypted(models.CharField(max_length=80, blank=True))

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class Patient(models.Model):
    """The usual case."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    title = models.CharField(max_length=80, blank=True)
    clinic = models.ForeignKey(Clinic, models.CASCADE, null=True, blank=True)
    name = Encrypted(models.CharField("full name", max_length=40, help_text="As on the card."))
    notes = Encrypted(models.TextField(blank=True))
    national_id = Encrypted(
        models.CharField(max_length=20, blank=True),
        search=Exact("digits-1"),
        mask=last4,
        reveal="testapp.change_patient",
    )
    weight = Encrypted(models.IntegerField(null=True, blank=True), search=Exact())
    history = Encrypted(models.JSONField(default=list, blank=True))

    objects = SealedQuerySet.as_manager()

    class Meta:
        indexes = (SealedIndex("national_id", name="testapp_patient_national_id"),)

    def __str__(self) -> str:
        return str(self.id)


class Everything(models.Model):
    """Each kind of field that can be wrapped."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    char = Encrypted(models.CharField(max_length=40, null=True))
    text = Encrypted(models.TextField(null=True))
    email = Encrypted(models.EmailField(null=True))
    url = Encrypted(models.URLField(null=True))
    slug = Encrypted(models.SlugField(null=True, db_index=False))
    choice = Encrypted(models.CharField(max_length=1, choices=[("a", "Apple"), ("b", "Bean")], null=True))
    integer = Encrypted(models.IntegerField(null=True))
    big = Encrypted(models.BigIntegerField(null=True))
    positive = Encrypted(models.PositiveSmallIntegerField(null=True))
    decimal = Encrypted(models.DecimalField(max_digits=8, decimal_places=2, null=True))
    float = Encrypted(models.FloatField(null=True))
    boolean = Encrypted(models.BooleanField(null=True))
    date = Encrypted(models.DateField(null=True))
    datetime = Encrypted(models.DateTimeField(null=True))
    time = Encrypted(models.TimeField(null=True))
    duration = Encrypted(models.DurationField(null=True))
    uuid = Encrypted(models.UUIDField(null=True))
    json = Encrypted(models.JSONField(null=True, encoder=DjangoJSONEncoder))
    binary = Encrypted(models.BinaryField(null=True))
    address = Encrypted(models.GenericIPAddressField(null=True))

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class Member(models.Model):
    """With a value that no two rows may share, and one whose tag many values share."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    email = Encrypted(models.EmailField("e-mail", null=True, blank=True), search=Exact("email-1"))
    city = Encrypted(models.CharField(max_length=40, blank=True, null=True), search=Exact("nfkc-casefold-1", bits=2))

    objects = SealedQuerySet.as_manager()

    class Meta:
        constraints = (UniqueSealed("email", name="testapp_member_email"),)

    def __str__(self) -> str:
        return str(self.id)


class Tenanted(models.Model):
    """Bound to other columns than the primary key, which the database makes up."""

    clinic = models.ForeignKey(Clinic, models.CASCADE)
    code = models.CharField(max_length=10)
    secret = Encrypted(models.TextField(), bind=("clinic", "code"))

    objects = SealedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.code


class Unbound(models.Model):
    """Not bound to its row, because its key is the database's."""

    secret = Encrypted(models.TextField(null=True), bind=None)
    code = Encrypted(models.CharField(max_length=20, null=True), bind=None, search=Exact())

    objects = SealedQuerySet.as_manager()

    class Meta:
        constraints = (UniqueSealed("code", name="testapp_unbound_code"),)

    def __str__(self) -> str:
        return str(self.pk)


class PlainPatient(models.Model):
    """What an encrypted model is measured against."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    a = models.CharField(max_length=80)

    def __str__(self) -> str:
        return str(self.id)
