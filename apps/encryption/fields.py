"""Encrypted model fields: `notes = Encrypted(models.TextField())` works as the field that it wraps, and stores a cell.

A value is sealed for its column and its row, opened when its attribute is read, and written again only if it changed.
In the database it can be tested for NULL and, with `search=`, for equality. Everything else is refused with an error
that names the way out, because it would work on ciphertext and be silently wrong.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.expressions import Case
from django.db.models.functions import Cast

from apps.encryption import rings
from apps.encryption.attributes import CLOSED, DUMPING, Draft, Sealed, SealedAttribute, stay_sealed
from apps.encryption.binding import Bind
from apps.encryption.codecs import TEXT, codec_for
from apps.encryption.constraints import keep_unique
from apps.encryption.envelope import BARE_HEADER, FIELD_CONTEXT, KEY_ID, SHORTEST, lv, pad, read_cell, unpad
from apps.encryption.errors import EncryptionError, KeyringError, Locked, OpenFailed
from apps.encryption.guards import Guarded
from apps.encryption.search import Exact
from apps.encryption.signals import tell_failure

REFUSED_OPTIONS = ("primary_key", "_unique", "db_index", "auto_now", "auto_now_add", "unique_for_date")
SHARED_OPTIONS = ("verbose_name", "blank", "null", "default", "editable", "choices", "help_text", "db_column")


class Ready(bytes):
    """A cell in an expression that bulk_update() builds: sealed for the row which it is written to."""

    __slots__ = ()


class Encrypted(Guarded):
    """Wraps a concrete Django field and stores its values as cells (SPEC.md).

    search: `Exact(normalizer)` to look the value up by equality, which shows in the database which rows are equal.
    mask: what a page may show without the right to read; see masks.py.
    reveal: the permission, "app.codename", to see it in full: with a reason, and on record; see reveal.py.
    bind: the columns that a cell is tied to: "pk", other names, or None, which lets a database writer swap rows.
    label: the field's name in the cryptography, `app.model.field` by default. Name the old one when you rename.

    Raises TypeError if the inner field or its options can't be encrypted.
    """

    descriptor_class = SealedAttribute

    def __init__(
        self,
        inner: "models.Field[Any, Any]",
        *,
        search: Exact | None = None,
        mask: Callable[[Any], str] | None = None,
        reveal: str = "",
        bind: Bind = "pk",
        label: str | None = None,
    ) -> None:
        self.inner, self.search, self.mask, self.bind, self.label = inner, search, mask, bind, label
        self.frozen_label, self.reveal = label or "", reveal
        self.codec = codec_for(inner)
        _refuse_options(self)
        super().__init__(
            **{option: getattr(inner, option) for option in SHARED_OPTIONS},
            error_messages=inner._error_messages,  # type: ignore[attr-defined]  # as given; the public one has defaults
        )
        self.empty_values = inner.empty_values
        self.empty_strings_allowed = inner.empty_strings_allowed

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False, **_: Any) -> None:
        super().contribute_to_class(cls, name, private_only)
        self.inner = self.inner.clone()  # an abstract model's children share the one that was declared
        self.inner.set_attributes_from_name(name)
        self.inner.model = cls
        self.__dict__.pop("context", None)
        if not cls._meta.abstract:
            stay_sealed(cls)
            keep_unique(cls)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """With the label, so that a migration fixes it; without the mask, which the database does not know."""
        return self.name, "apps.encryption.fields.Encrypted", [self.inner], self.frozen(search=None)

    @cached_property
    def context(self) -> bytes:
        return lv(self.frozen_label.encode()) + lv(self.codec.name.encode("ascii"))

    @property
    def sealer(self) -> rings.Sealer:
        """Raises KeyringError, and Locked in a sealed shell."""
        return rings.sealer(self.frozen_label, self.context, self.search and self.search.index)

    # Sealing and opening

    def prepare(self, value: Any) -> Any:
        """The value as its codec takes it, by the inner field's own conversion: "42" is 42 for a number."""
        return value if type(value) is str and self.codec is TEXT else self.inner.get_prep_value(value)

    def seal(self, value: Any, instance: models.Model) -> Sealed:
        """A new cell for this value in this instance's row.

        Raises ValueError if the value is not of the field's kind, KeyringError, and FieldError if the row has no key.
        """
        try:
            origin = self.binding.of(instance)
            return Sealed(self.cell(value, origin), origin, value)
        except Exception as error:  # noqa: BLE001 - raised again, without its frames
            # This frame and those below it hold the plaintext, and a debug page or a reporter shows their locals.
            del value
            raise error.with_traceback(None) from None

    def cell(self, value: Any, bound: Any) -> bytes:
        """A new cell for this value, in the row whose bound values these are. Raises as `seal` does."""
        plaintext = self.encoded(value)
        cipher, head, aad = self.sealer
        if self.search:
            head += self.search.tags(self, self.prepare(value))[0][1]
            aad = FIELD_CONTEXT + head + self.context
        return cipher.seal(pad(plaintext), aad + self.binding.encode(bound), head)

    def encoded(self, value: Any) -> bytes:
        """Codec byte and bytes of a value. Raises ValueError, without the value."""
        try:
            if type(value) is str and self.codec is TEXT:  # nearly all: saves four calls
                return TEXT.start + value.encode()
            return self.codec.encode(self.prepare(value))
        except (ArithmeticError, AttributeError, TypeError, ValidationError, ValueError) as error:
            kind, name = type(error).__name__, type(self.inner).__name__  # its text would quote the value
        raise ValueError(f"{self.frozen_label} can't hold this value: its {name} refused it ({kind}).")

    def open(self, held: Sealed, instance: models.Model) -> Any:
        """The value of a cell, kept in it for the next read.

        Raises OpenFailed, KeyUnavailable, NotSealed or UnknownFormat, and tells of it by signals.open_failed.
        """
        try:
            held.plain = value = self.codec.decode(self._plaintext(held, instance))
        except EncryptionError as error:
            if not held.reported:  # once for each value loaded, even if a page reads it again, or a receiver does
                held.reported = True
                self.tell(error, held.cell, sender=type(instance), target=instance)
            raise error.with_traceback(None) from None
        return value

    def _plaintext(self, held: Sealed, instance: models.Model) -> bytes:
        origin = held.origin if held.origin is not None else self.binding.of(instance)
        plaintext = unpad(self.opened(held.cell, origin, instance)[2])
        held.origin = origin  # proved now, if it was not known when the row was loaded
        return plaintext

    def opened(self, held: Any, bound: Any, row: object) -> tuple[bytes, int, bytes]:
        """The cell that a column holds, where its header ends, and its padded plaintext.

        bound: the row's values as Binding.values gives them. row: an instance or its key, for the error's text.
        Raises OpenFailed, KeyUnavailable, NotSealed or UnknownFormat.
        """
        cell, start = read_cell(held)
        if len(cell) >= start + SHORTEST:
            aad = b"".join((FIELD_CONTEXT, cell[:start], self.context, self.binding.encode(bound)))
            padded = rings.opener(cell[KEY_ID], self.frozen_label).open(cell, aad, start)
            if padded is not None:
                return cell, start, padded
        raise OpenFailed(self.frozen_label, getattr(row, "pk", row), cell[KEY_ID].hex())

    def tags_of(self, padded: bytes) -> list[tuple[bool, bytes]]:
        """The tags of a padded plaintext, under the primary index root first. Raises ValueError."""
        value = self.prepare(self.codec.decode(unpad(padded)))
        return self.search.tags(self, value) if self.search else []

    def tell(self, error: Exception, held: Any, *, sender: Any, target: Any = None, **details: str) -> None:
        """Send signals.open_failed for what a column holds, with the key that it names if it is a cell."""
        try:
            key_id = read_cell(held)[0][KEY_ID].hex()
        except EncryptionError:
            key_id = ""
        tell_failure(error, sender=sender, target=target, label=self.frozen_label, key_id=key_id, **details)

    # Reading from and writing to the database

    def get_internal_type(self) -> str:
        return "BinaryField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        held = self.sealed_for(model_instance, add=add)
        if type(held) is Sealed:
            held.ready = True
        return held

    def sealed_for(self, instance: models.Model, *, add: bool) -> Any:
        """What the instance holds, a value as a cell for its row: made now if it was assigned or has to be new."""
        slots = instance.__dict__
        held = slots.get(self.attname, CLOSED)
        if held is CLOSED:  # deferred and named for writing: without fetching it, it would become NULL
            held = getattr(type(instance), self.attname).held(instance)
        if type(held) is Draft:
            held = slots[self.attname] = self.seal(held.value, instance)
        elif type(held) is Sealed:
            held = slots[self.attname] = self._resealed(held, instance, add=add)
        return held

    def _resealed(self, held: Sealed, instance: models.Model, *, add: bool) -> Sealed:
        """The cell itself if it may stay as it is, without opening it; a new one if its row or its value changed."""
        moved = held.origin != self.binding.values(instance.__dict__)
        if held.plain is CLOSED:
            if not add and not moved:
                return held if self._is_present(held) else self._rotated(held, instance)
            self.open(held, instance)  # a new row: make sure that the cell is its own
            return self.seal(held.plain, instance) if moved else held
        changed = self.codec.mutable and self.codec.encode(held.plain) != self._plaintext(held, instance)
        return self.seal(held.plain, instance) if moved or changed or not self._is_present(held) else held

    def _is_present(self, held: Sealed) -> bool:
        """Whether a cell is sealed with the present keys, or can't be judged because there are none here."""
        try:
            return bytes(held.cell[:BARE_HEADER]) == self.sealer.start
        except (KeyringError, Locked):
            return True

    def _rotated(self, held: Sealed, instance: models.Model) -> Sealed:
        """Under the present keys: what was loaded before a rotation must not bring an old key's cells back after it."""
        try:
            value = self.codec.decode(self._plaintext(held, instance))
        except EncryptionError:
            return held  # left as it is: the evidence
        return self.seal(value, instance)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if type(value) is Ready or value is None or _writes_only_cells(value):
            return value
        raise FieldError(
            f"{self.frozen_label} is encrypted, so the database can't be told its value in an UPDATE or an expression. "
            "Assign it and save(), or use bulk_update() of a SealedQuerySet. A migration adds the field "
            "with null=True and no default, fills it, and takes null away."
        )

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if type(value) is Sealed and value.ready:  # once: given to update(), the same cell would go to other rows
            value.ready = False
            return value.cell  # plain bytes: SQLite's module takes twice as long for a class of ours
        return value if type(value) is Ready else self.get_db_prep_value(value, connection)  # expressions too

    # What the inner field decides

    def to_python(self, value: Any) -> Any:
        return value if type(value) is Sealed else self.inner.to_python(value)

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        return self.inner.clean(value, model_instance)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner.formfield(*args, **kwargs)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        from apps.encryption.checks import check_field  # it imports this module

        return [*self.inner.check(**kwargs), *check_field(self)]

    @property
    def serialize(self) -> bool:
        if DUMPING.get():
            return True
        raise FieldError(
            f"A dump in this format would write {self.frozen_label} in the clear. Use json, jsonl or python, which "
            f"write its cells, or leave {self.model._meta.label} out."
        )

    @serialize.setter
    def serialize(self, value: bool) -> None:
        """Django's own __init__ sets it; what it sets is not heard."""


def _refuse_options(field: Encrypted) -> None:
    inner, name = field.inner, type(field.inner).__name__
    if refused := [option for option in REFUSED_OPTIONS if getattr(inner, option, None)]:
        raise TypeError(f"Encrypted({name}) can't have {refused[0].lstrip('_')}: the database sees ciphertext only.")
    if inner.has_db_default():
        raise TypeError(f"Encrypted({name}) can't have db_default: the database would write plaintext.")
    if field.search and not field.codec.searchable:
        raise TypeError(f"Encrypted({name}) can't be searched: its equal values have no single form.")
    if field.search and field.search.normalizer != "identity" and field.codec.name != "text":
        raise TypeError(f"The normalizer {field.search.normalizer} is for text. Use Exact() with {name}.")


def _writes_only_cells(value: Any) -> bool:
    """Whether an expression can write nothing but NULL and ready cells: what bulk_update() of SealedQuerySet builds."""
    if isinstance(value, models.Value):
        return value.value is None or type(value.value) is Ready
    if isinstance(value, Case):
        return all(_writes_only_cells(result) for result in (*(case.result for case in value.cases), value.default))
    return isinstance(value, Cast) and all(_writes_only_cells(source) for source in value.get_source_expressions())
