"""Exact search on encrypted fields by the blind tag inside each cell (SPEC.md, section 6).

The tag is authenticated with the cell and read by an expression index, so it can't be out of step with the value. It
shows which rows hold equal values, and nothing else.
"""

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet, FieldError
from django.db import models
from django.db.models.lookups import Lookup
from django.utils.deconstruct import deconstructible

from apps.encryption import rings
from apps.encryption.attributes import Sealed
from apps.encryption.envelope import TAG_SIZE
from apps.encryption.normalizers import NORMALIZERS

SHORT_BITS = 64  # a longer tag is as telling as a whole one

if TYPE_CHECKING:
    from apps.encryption.fields import Encrypted

    AnyLookup = Lookup[Any]
else:
    AnyLookup = Lookup  # not subscriptable at run time


@deconstructible(path="apps.encryption.search.Exact")
class Exact:
    """Makes a field searchable for equal values; the normalizer says which values count as equal.

    bits: keep so many bits of a tag, 1 to 64, so that different values share it and the database shows less of which
    rows are equal. A search then finds more rows than it should, and SealedQuerySet.matching() opens and compares them.
    With 1 bit less than log2(rows) it is about two rows too many, with half of log2(rows) the square root of the rows.
    More bits hide too little, fewer cost too much (CipherSweet's bounds).

    Raises ValueError for another normalizer or number.
    """

    def __init__(self, normalizer: str = "identity", *, bits: int | None = None) -> None:
        if normalizer not in NORMALIZERS:
            raise ValueError(f"No normalizer is called {normalizer!r}. There are: {', '.join(sorted(NORMALIZERS))}.")
        if bits is not None and not 1 <= bits <= SHORT_BITS:
            raise ValueError(f"A short tag has 1 to {SHORT_BITS} bits, not {bits}.")
        self.normalizer, self.bits = normalizer, bits
        self.index = normalizer if bits is None else f"{normalizer}/{bits}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and self.index == other.index

    def __hash__(self) -> int:
        return hash(self.index)

    def canonical(self, field: "Encrypted", value: Any) -> bytes:
        """The bytes that are the same for all values that count as equal. `value` is as the field's prepare() gives."""
        return field.codec.encode(NORMALIZERS[self.normalizer](value))

    def tags(self, field: "Encrypted", value: Any) -> list[tuple[bool, bytes]]:
        """The value's tag under each live index root, the primary's first, with whether the root's number is odd."""
        message = self.canonical(field, value)
        keys = rings.index_keys(field.frozen_label, self.index)
        return [(odd, self._cut(hmac.digest(key, message, "sha256")[:TAG_SIZE])) for odd, key in keys]

    def _cut(self, tag: bytes) -> bytes:
        if self.bits is None:
            return tag
        rest = 8 * TAG_SIZE - self.bits
        return (int.from_bytes(tag) >> rest << rest).to_bytes(TAG_SIZE)


class BlindTag(models.Func):
    """The tag of a cell. Offsets are literal: as bound parameters they would keep SQLite from using the index."""

    function = "SUBSTR"
    template = "%(function)s(%(expressions)s, 7, 16)"
    arity = 1
    reads_cells = True

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, output_field=models.BinaryField())


class SealedIndex(models.Index):
    """An index on the tags of a searchable field: `SealedIndex("national_id", name="patient_national_id")`."""

    def __init__(self, field: str, *, name: str) -> None:
        self.field = field
        super().__init__(BlindTag(field), name=name)

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        return "apps.encryption.search.SealedIndex", (self.field,), {"name": self.name}


class TagLookup(AnyLookup):
    """Base of the lookups that compare tags."""

    prepare_rhs = False
    reads_cells = True

    def __init__(self, lhs: Any, rhs: Any) -> None:
        rhs = _plain(rhs)
        if hasattr(rhs, "resolve_expression"):
            raise FieldError(f"An encrypted field can be looked up by values only, not by {type(rhs).__name__}.")
        super().__init__(lhs, rhs)

    def values(self) -> Iterable[Any]:
        return [self.rhs]

    def tags(self) -> list[bytes]:
        field = self.lhs.output_field
        values = [value for value in self.values() if value is not None]
        if any(type(value) is Sealed for value in values):  # as text it would be «<Sealed>», and find nothing
            raise FieldError(f"{field.frozen_label} can't be looked up by a Sealed value: read an attribute.")
        return [tag for value in values for _, tag in field.search.tags(field, field.prepare(value))]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        tags = [connection.Database.Binary(tag) for tag in self.tags()]
        if not tags:
            raise EmptyResultSet
        sql, params = compiler.compile(BlindTag(self.lhs))
        return f"{sql} IN ({', '.join(['%s'] * len(tags))})", (*params, *tags)


class SealedExact(TagLookup):
    lookup_name = "exact"


class SealedIn(TagLookup):
    lookup_name = "in"

    def values(self) -> Iterable[Any]:
        return [_plain(value) for value in self.rhs]


class SealedMaybe(TagLookup):
    """Rows with the value's short tag: those that have the value, and some that have another."""

    lookup_name = "maybe"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, models.Value) else value
