"""What ties a cell to its row: the values of bound columns, in the cell's authenticated data (SPEC.md, section 5)."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import FieldError
from django.db import models

from apps.encryption.codecs import BINDABLE
from apps.encryption.codecs import UUID as UUID_CODEC
from apps.encryption.envelope import lv

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
else:
    Field = models.Field

type Bind = str | tuple[str, ...] | None

BOUND_UUID = lv(b"pk") + (17).to_bytes(4) + UUID_CODEC.start
ROW_BOUND_UUID = (len(BOUND_UUID) + 16).to_bytes(4) + BOUND_UUID


class Binding:
    """The bound columns of one field on one model."""

    def __init__(self, model: type[models.Model], bind: Bind) -> None:
        names = (bind,) if isinstance(bind, str) else bind or ()
        self.model = model
        self.fields = {name: bound_field(model, name) for name in names}
        self.attnames = tuple(field.attname for field in self.fields.values())
        self.row_only = names == ("pk",)
        self.attname = self.attnames[0] if self.attnames else ""

    def values(self, held: Mapping[str, Any]) -> Any:
        """The bound values of an instance, given its __dict__: one value for `bind="pk"`, else a tuple.

        None if one of several is not there: it was deferred, or is set later while the row is loaded.
        """
        if self.row_only:
            return held.get(self.attname)
        return tuple(held[attname] for attname in self.attnames) if held.keys() >= {*self.attnames} else None

    def of(self, instance: models.Model) -> Any:
        """The same, with what was deferred fetched first. (A primary key never is.)"""
        if self.row_only:
            return instance.__dict__.get(self.attname)
        for attname in self.attnames:
            getattr(instance, attname)
        return self.values(instance.__dict__)

    def encode(self, values: Any) -> bytes:
        """LV(bind). Raises FieldError if a value is not set or not of a type that can be bound."""
        if self.row_only:
            if type(values) is UUID:  # nearly all: saves two thirds of the work, and more for a row's next column
                last, bound = _last
                return bound if last is values else _row_bound(values)
            values = (values,)
        return lv(b"".join(self._bound(*pair) for pair in zip(self.fields, values, strict=True)))

    def _bound(self, name: str, value: Any) -> bytes:
        field = self.fields[name]
        value = field.to_python(value)  # "42" and 42 are one key
        codec = BINDABLE.get(type(value))
        if codec is None:
            what = "is not set" if value is None else f"is a {type(value).__name__}, not text, a whole number or a UUID"
            raise FieldError(f"Encrypted fields of {self.model._meta.label} are bound to {name}, which {what}.")
        return lv(name.encode()) + lv(codec.encode(value))


class Labeled(Field):
    """A field that is bound to its row, and has a name in the cryptography that no rename changes."""

    bind: Bind
    label: str | None
    frozen_label: str

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False, **_: Any) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        self.__dict__.pop("binding", None)
        if not cls._meta.abstract:
            self.frozen_label = self.label or f"{cls._meta.app_label}.{cls._meta.model_name}.{name}"

    @cached_property
    def binding(self) -> Binding:
        return Binding(self.model, self.bind)

    def frozen(self, **defaults: Any) -> dict[str, Any]:
        """Options for a migration, label and bind among them, if they are not what is the default."""
        options = {"label": self.frozen_label, "bind": self.bind, **{name: getattr(self, name) for name in defaults}}
        defaults |= {"label": "", "bind": "pk"}
        return {name: value for name, value in options.items() if value != defaults[name]}


_last: tuple[UUID, bytes] = UUID(int=0), ROW_BOUND_UUID + bytes(16)


def _row_bound(key: UUID) -> bytes:
    global _last  # one tuple, replaced as a whole, so that no thread sees half of it
    bound = ROW_BOUND_UUID + key.int.to_bytes(16)
    _last = key, bound
    return bound


def bound_field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    """The field that holds the bound column's value; of a relation, the key it points to under its own attname."""
    found = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if not isinstance(found, models.Field):
        raise FieldError(f"{model._meta.label} has no column {name} to bind an encrypted field to.")
    return found
