"""What an instance holds in place of an encrypted value, and the attribute that opens it.

An instance's __dict__ never holds the plaintext itself: a loaded value is a `Sealed`, an assigned one a `Draft`, and
both pickle as ciphertext. So what is cached or queued with an instance is sealed too.
"""

from contextvars import ContextVar
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from apps.encryption.errors import EncryptionError

if TYPE_CHECKING:
    from apps.encryption.fields import Encrypted


CLOSED: Any = object()
"""In the place of a plaintext that was not asked for."""
DUMPING: ContextVar[bool] = ContextVar("dumping", default=False)
"""Whether a serializer is at work that writes cells; see serialization."""
REFRESHING: ContextVar[bool] = ContextVar("refreshing", default=False)
"""Whether attributes hand cells over as they are, from the row that was just loaded to an older instance of it."""
PLAIN_TYPES = (bool, bytes, date, int, str, UUID)  # equal values of these have equal bytes


class Sealed:
    """A cell as it came from the database. `values()` gives it as it is; reading an instance's attribute opens it once.

    `origin` holds the bound values of the row that it was loaded with, so that it still opens after the instance gets
    another key. `ready` is set between pre_save() and the statement that writes its row. Only this type passes as
    ciphertext: text or bytes never do, so a form can't be used to decrypt.
    """

    __slots__ = ("cell", "origin", "plain", "ready", "reported")

    def __init__(self, cell: Any, origin: Any = None, plain: Any = CLOSED) -> None:
        self.cell = cell
        self.origin = origin
        self.plain = plain
        self.ready = self.reported = False

    def __repr__(self) -> str:
        return "<Sealed>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sealed, (self.cell, self.origin)


class Draft:
    """A value that was assigned and not saved yet. Pickled with its instance, its place, it is a `Sealed`."""

    __slots__ = ("place", "value")

    def __init__(self, value: Any, place: "tuple[Encrypted, models.Model] | None" = None) -> None:
        self.value = value
        self.place = place

    def __repr__(self) -> str:
        return "<Draft>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.place is None:
            raise EncryptionError("A value that was not saved yet is pickled with its instance only. Save it first.")
        field, instance = self.place
        sealed = field.seal(self.value, instance)
        return Sealed, (sealed.cell, sealed.origin)


class SealedAttribute(DeferredAttribute):
    """Opens on the first read, and keeps what was assigned until it is saved."""

    field: "Encrypted"

    def __init__(self, field: "Encrypted") -> None:
        super().__init__(field)
        self.attname = field.attname

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        slots = instance.__dict__
        held = slots[self.attname] if self.attname in slots else self.held(instance)
        if type(held) is Sealed:
            if held.plain is not CLOSED:
                return held.plain
            return held if REFRESHING.get() else self.field.open(held, instance)
        return held.value if type(held) is Draft else held

    def held(self, instance: Any) -> Any:
        """What the instance holds, still closed; fetched if it was deferred."""
        held = instance.__dict__.get(self.attname, CLOSED)
        return super().__get__(instance) if held is CLOSED else held

    def __set__(self, instance: Any, value: Any) -> None:
        slots = instance.__dict__
        if type(value) is Sealed:
            binding = self.field.binding
            value.origin = slots.get(binding.attname) if binding.row_only else binding.values(slots)
            if self.attname in slots and not REFRESHING.get():  # by hand, not loading: it may be another row's
                self.field.open(value, instance)
        elif type(value) is str or (value is not None and not hasattr(value, "resolve_expression")):
            held = slots.get(self.attname)
            if type(held) is Sealed and _same(held, value):
                return
            value = Draft(value)
        slots[self.attname] = value

    def fetch_one(self, instance: Any) -> None:
        self.fetch_many([instance])  # not refresh_from_db(): it would open the value and assign it


def _same(held: Sealed, value: Any) -> bool:
    """Whether `value` is what was read from here: a form that posts a value back leaves its cell alone."""
    if held.plain is CLOSED:
        return False
    # 1 and True and 1.0 are equal, but not the same; JSON can hide such a difference deep inside.
    return held.plain is value or (
        type(value) in PLAIN_TYPES and type(held.plain) is type(value) and bool(held.plain == value)
    )


class _Fetched:
    """What refresh_from_db() does with a queryset; when it has the row, attributes hand over cells."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: _Fetched(getattr(self._rows, name)(*args, **kwargs))

    def get(self) -> Any:
        row = self._rows.get()
        REFRESHING.set(True)
        return row


def stay_sealed(model: type[models.Model]) -> None:
    """Make the model's refresh_from_db() open nothing: Django reads each attribute of the new row and assigns it.

    And tell drafts their place when an instance is pickled or copied, which on each assignment would take too long.
    """
    refresh, getstate = model.refresh_from_db, model.__getstate__
    if hasattr(refresh, "stays_sealed"):
        return

    @wraps(refresh)
    def refresh_from_db(self: Any, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        if from_queryset is None:
            from_queryset = type(self)._base_manager.db_manager(using, hints={"instance": self})
        before = REFRESHING.set(False)
        try:
            fetched: Any = _Fetched(from_queryset)
            refresh(self, using=using, fields=fields, from_queryset=fetched)
        finally:
            REFRESHING.reset(before)

    @wraps(getstate)
    def with_places(self: Any) -> Any:
        state: Any = getstate(self)
        drafts = [field for field in self._meta.concrete_fields if type(state.get(field.attname)) is Draft]
        return state | {field.attname: Draft(state[field.attname].value, (field, self)) for field in drafts}

    refresh_from_db.stays_sealed = True  # type: ignore[attr-defined]  # the mark that it is wrapped
    for name, method in (("refresh_from_db", refresh_from_db), ("__getstate__", with_places)):
        setattr(model, name, method)
