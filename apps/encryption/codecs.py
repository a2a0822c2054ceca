"""How each type of value is written as bytes (SPEC.md, section 4)."""

import datetime
import json
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.backends.utils import format_number

from apps.encryption.errors import UnknownFormat

MICROSECOND = datetime.timedelta(microseconds=1)
UNREADABLE = (ArithmeticError, RecursionError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class Codec:
    """Writes and reads the values of one kind of field.

    searchable: equal values have equal bytes.
    mutable: a value can be changed in place after it was read, so it is looked at again on save.
    """

    name: str
    start: bytes  # the codec byte
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    searchable: bool = True
    mutable: bool = False

    def encode(self, value: Any) -> bytes:
        """Codec byte and value. Raises ValueError, TypeError or AttributeError if the value is not of this kind."""
        return self.start + self.write(value)

    def decode(self, plaintext: bytes) -> Any:
        """The value. Raises UnknownFormat if the codec byte is another's or the bytes are not of its form."""
        if plaintext[:1] != self.start:
            raise UnknownFormat(f"A cell of codec {self.name} holds a value of another codec.")
        try:
            return self.read(plaintext[1:])
        except UNREADABLE:
            # "from None": the cause would show the value in a traceback.
            raise UnknownFormat(f"A cell of codec {self.name} holds bytes that are not of its form.") from None


def _shortest(value: int) -> bytes:
    """Two's complement in as few bytes as hold the sign."""
    return value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, signed=True)


def _whole(encoded: bytes) -> int:
    value = int.from_bytes(encoded, signed=True)
    if _shortest(value) != encoded:
        raise ValueError
    return value


def _truth(encoded: bytes) -> bool:
    if encoded not in (b"\x00", b"\x01"):
        raise ValueError
    return encoded == b"\x01"


def _moment(value: datetime.datetime) -> bytes:
    aware = value.tzinfo is not None
    naive = value.astimezone(datetime.UTC).replace(tzinfo=None) if aware else value
    return (naive.isoformat(timespec="microseconds") + ("Z" if aware else "")).encode("ascii")


def _time_of_day(value: datetime.time) -> bytes:
    if value.tzinfo is not None:
        raise ValueError("A time of day has no time zone.")
    return value.isoformat(timespec="microseconds").encode("ascii")


def _ascii[Value](parse: Callable[[str], Value]) -> Callable[[bytes], Value]:
    return lambda encoded: parse(encoded.decode("ascii"))


TEXT = Codec("text", b"\x01", lambda value: value.encode(), bytes.decode)
INTEGER = Codec("integer", b"\x02", _shortest, _whole)
FLOAT = Codec(
    "float", b"\x04", struct.Struct(">d").pack, lambda encoded: struct.unpack(">d", encoded)[0], searchable=False
)
BOOLEAN = Codec("boolean", b"\x05", lambda value: b"\x01" if value else b"\x00", _truth)
DATE = Codec("date", b"\x06", lambda value: value.isoformat().encode("ascii"), _ascii(datetime.date.fromisoformat))
DATETIME = Codec("datetime", b"\x07", _moment, _ascii(datetime.datetime.fromisoformat))
TIME = Codec("time", b"\x08", _time_of_day, _ascii(datetime.time.fromisoformat))
DURATION = Codec(
    "duration", b"\x09", lambda value: _shortest(value // MICROSECOND), lambda encoded: _whole(encoded) * MICROSECOND
)
UUID = Codec("uuid", b"\x0a", lambda value: value.bytes, lambda encoded: uuid.UUID(bytes=encoded))
BINARY = Codec(
    "binary",
    b"\x0c",
    lambda value: bytes(memoryview(value)),  # bytes(5) alone would be five zeros
    bytes,
    mutable=True,  # a bytearray is
)


def decimal_codec(max_digits: int | None, places: int | None) -> Codec:
    """With as many places as the field declares: what a plain column would give back."""

    def write(value: Decimal) -> bytes:
        if not value.is_finite():
            raise ValueError("A decimal must be finite.")
        try:
            return (format_number(value, max_digits, places) or "").encode("ascii")
        except ArithmeticError:
            raise ValueError("A decimal has more digits than its field declares.") from None

    return Codec("decimal", b"\x03", write, _ascii(Decimal))


def json_codec(encoder: type[json.JSONEncoder] | None, decoder: type[json.JSONDecoder] | None) -> Codec:
    """Through the encoder and decoder that the field declares."""

    def write(value: Any) -> bytes:
        text = json.dumps(value, cls=encoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()

    def read(encoded: bytes) -> Any:
        return json.loads(encoded.decode(), cls=decoder)

    return Codec("json", b"\x0b", write, read, searchable=False, mutable=True)


BINDABLE: dict[type, Codec] = {str: TEXT, int: INTEGER, uuid.UUID: UUID}

CODECS: dict[str, Codec | Callable[[Any], Codec]] = {
    **dict.fromkeys(("CharField", "TextField", "SlugField", "FilePathField", "GenericIPAddressField"), TEXT),
    **dict.fromkeys(("IntegerField", "BigIntegerField", "SmallIntegerField"), INTEGER),
    **dict.fromkeys(("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), INTEGER),
    "BinaryField": BINARY,
    "BooleanField": BOOLEAN,
    "DateField": DATE,
    "DateTimeField": DATETIME,
    "DecimalField": lambda field: decimal_codec(field.max_digits, field.decimal_places),
    "DurationField": DURATION,
    "FloatField": FLOAT,
    "JSONField": lambda field: json_codec(field.encoder, field.decoder),
    "TimeField": TIME,
    "UUIDField": UUID,
}


def codec_for(field: "models.Field[Any, Any]") -> Codec:
    """The codec of a concrete Django field, or of another's field built on one. Raises TypeError if there is none."""
    found = CODECS.get(field.get_internal_type())
    if found is None:
        raise TypeError(f"Encrypted() can't wrap a {type(field).__name__}: there is no codec for its values.")
    return found if isinstance(found, Codec) else found(field)
