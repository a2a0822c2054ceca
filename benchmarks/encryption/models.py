"""One table for each subject: the same four columns of text, plain or encrypted in that library's usual way."""

from typing import Any

import uuid_utils.compat
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django_cryptography.fields import encrypt
from encrypted_fields.fields import EncryptedCharField as SaltedFernetCharField
from encrypted_model_fields.fields import EncryptedCharField as ModelFieldsCharField
from fernet_fields import EncryptedCharField as FernetCharField
from tink_fields import EncryptedCharField as TinkCharField

from apps.encryption.fields import Encrypted
from apps.encryption.querysets import SealedQuerySet
from apps.encryption.search import Exact

COLUMNS = ("a", "b", "c", "d")


class Keyed(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.id)


def table(name: str, field: Any, **attributes: Any) -> Any:
    """A model with that field in each column."""
    members = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "encryption_benchmark"})}
    return type(name, (Keyed,), {**members, **{column: field() for column in COLUMNS}, **attributes})


class Box:
    """Holds a value until it is asked for."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Unboxed(DeferredAttribute):
    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        held = instance.__dict__.get(self.field.attname) if instance is not None else self
        return held.value if type(held) is Box else held


class LazyField(models.CharField):
    """What laziness alone costs in Django, without any cryptography: no lazy field of any library can be faster."""

    descriptor_class = Unboxed

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Box:
        return Box(value)


def sealed(**options: Any) -> Any:
    return lambda: Encrypted(models.CharField(max_length=80), **options)


SUBJECTS: dict[str, Any] = {
    "plain CharField": table("Plain", lambda: models.CharField(max_length=80)),
    "lazy, not encrypted": table("Lazy", lambda: LazyField(max_length=80)),
    "rampart": table("Ours", sealed(), objects=SealedQuerySet.as_manager()),
    "rampart, searchable": table("Found", sealed(search=Exact("nfkc-casefold-1")), objects=SealedQuerySet.as_manager()),
    "django-tink-fields": table("Tink", lambda: TinkCharField(max_length=80)),
    "django-fernet-fields-v2": table("Fernet", lambda: FernetCharField(max_length=80)),
    "django-fernet-encrypted-fields": table("SaltedFernet", lambda: SaltedFernetCharField(max_length=80)),
    "django-encrypted-model-fields": table("ModelFields", lambda: ModelFieldsCharField(max_length=80)),
    "django-cryptography-5": table("Cryptography", lambda: encrypt(models.CharField(max_length=80))),
}
