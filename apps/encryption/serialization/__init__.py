"""Dumps that hold ciphertext: `dumpdata` writes an encrypted value as {"$sealed": "base64 of the cell"}.

`loaddata` takes it back only where it opens: in the row, the field and under the ring that it was sealed for. A value
in the clear, as in a fixture written by hand, is sealed. Formats: json, jsonl and python. The others are refused.
"""

import base64
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.db import DEFAULT_DB_ALIAS

from apps.encryption.attributes import DUMPING, Sealed
from apps.encryption.constraints import still_unique
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import encrypted_fields
from apps.encryption.querysets import ready_to_write

SEALED = "$sealed"
FORMATS = ("json", "jsonl", "python")


def register() -> None:
    """Called when the app is ready. Takes the place of Django's own modules, not of those that the settings name."""
    for name in set(FORMATS) - set(getattr(settings, "SERIALIZATION_MODULES", {})):
        serializers.register_serializer(name, f"apps.encryption.serialization.{name}")


class SealedSerializer:
    """Mixin before one of Django's serializers."""

    _current: dict[str, Any]

    def serialize(self, *args: Any, **kwargs: Any) -> Any:
        before = DUMPING.set(True)
        try:
            return super().serialize(*args, **kwargs)  # type: ignore[misc]  # Django's serializer comes next
        finally:
            DUMPING.reset(before)

    def handle_field(self, obj: Any, field: Any) -> None:
        if isinstance(field, Encrypted):
            self._current[field.name] = dumped(field, obj)
        else:
            super().handle_field(obj, field)  # type: ignore[misc]  # as above


class SealedDeserializer:
    """Mixin before one of Django's deserializers."""

    def _handle_object(self, obj: Any) -> Iterator[DeserializedObject]:
        for found in super()._handle_object(_with_cells(obj)):  # type: ignore[misc]  # as above
            yield SealedObject(found.object, found.m2m_data, found.deferred_fields)


class SealedObject(DeserializedObject):
    """Saves cells as they are, after it has opened them."""

    def save(self, save_m2m: bool = True, using: str | None = None, **kwargs: Any) -> None:
        """Raises OpenFailed, KeyUnavailable, NotSealed or UnknownFormat if a cell is not this row's and this ring's."""
        model = type(self.object)
        fields = [field for field in model._meta.local_fields if isinstance(field, Encrypted)]
        with (
            still_unique(model, [self.object], using or DEFAULT_DB_ALIAS),
            ready_to_write([self.object], fields, add=True),
        ):
            super().save(save_m2m=save_m2m, using=using, **kwargs)


def dumped(field: Encrypted, obj: Any) -> dict[str, str] | None:
    """The form of a value in a dump; None is NULL. A value that was assigned is sealed first, a deferred one loaded."""
    if field.attname not in obj.__dict__:
        getattr(type(obj), field.attname).fetch_one(obj)
    held = field.sealed_for(obj, add=False)
    return None if held is None else {SEALED: base64.b64encode(held.cell).decode("ascii")}


def _with_cells(obj: Any) -> Any:
    try:
        model = apps.get_model(obj["model"])
    except (LookupError, TypeError):
        return obj  # Django's deserializer says it in its own words
    names = encrypted_fields(model)
    fields = {name: _cell(value, name) if name in names else value for name, value in obj["fields"].items()}
    return {**obj, "fields": fields}


def _cell(value: Any, name: str) -> Any:
    if not isinstance(value, dict) or value.keys() != {SEALED}:
        return value
    try:
        return Sealed(base64.b64decode(value[SEALED], validate=True))
    except (TypeError, ValueError):
        raise DeserializationError(f"The sealed value of {name} is not base64.") from None
