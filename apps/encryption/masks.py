"""What a page may show of an encrypted value to someone who may not read it."""

from collections.abc import Callable
from typing import Any

from django.db import models
from django.views.decorators.debug import sensitive_variables

from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import encrypted_fields

HIDDEN = "••••••"


@sensitive_variables("value", "text")
def last4(value: Any) -> str:
    """The last four characters, if at least as many stay hidden: «••••5678». Shorter values are hidden whole."""
    text = str(value)
    return f"••••{text[-4:]}" if len(text) >= 8 else HIDDEN


@sensitive_variables("value")
def masked(instance: models.Model, name: str) -> str:
    """An encrypted field's value as its mask shows it; without a mask, dots, and nothing is opened.

    Raises EncryptionError if the mask needs a value that can't be opened, and TypeError if the field is not encrypted.
    """
    field = sealed_field_of(instance, name)
    mask: Callable[[Any], str] | None = field.mask
    if mask is None:
        return "" if instance.__dict__.get(field.attname, HIDDEN) is None else HIDDEN
    value = getattr(instance, field.attname)
    return "" if value in field.empty_values else mask(value)


def shown(instance: models.Model, name: str) -> str:
    """The same, but «unreadable» for a value that can't be opened, so that one tampered row takes no list away.

    It has told of itself by signals.open_failed then.
    """
    try:
        return masked(instance, name)
    except EncryptionError:
        return "unreadable"


def sealed_field_of(instance: models.Model, name: str) -> Encrypted:
    """Raises TypeError if the model has no encrypted field of this name."""
    field = encrypted_fields(type(instance)).get(name)
    if field is None:
        raise TypeError(f"{instance._meta.label}.{name} is not encrypted, so it has no mask.")
    return field
