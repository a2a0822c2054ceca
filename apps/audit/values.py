"""What goes into `changes` and `details`: canonical JSON text of plain, harmless, bounded values (SPEC.md)."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import singledispatch
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final
from uuid import UUID

from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.utils.functional import Promise

from apps.audit.canonical import harmless, line, moment
from apps.audit.errors import Unserializable
from apps.audit.tracking import about

TEXT_MAX: Final = 500  # characters of one text; a longer one is cut, and its digest kept
TEXT_KEPT: Final = 200
JSON_MAX: Final = 32_768  # characters of a whole column; of a longer one only names and the digest are kept
NAME_MAX: Final = 100
NAMES_KEPT: Final = 50
DEPTH_MAX: Final = 6

CHANGED: Final = "changed"
"""In `changes`, in place of [old, new]: an encrypted or secret value became another one."""


def changes_text(changes: Mapping[str, Any] | None, *, sensitive: bool = False) -> str:
    """Canonical JSON of {field: [old, new] or CHANGED}. Raises Unserializable for another shape."""
    return json_text(
        {name: CHANGED if sensitive else change_of(name, change) for name, change in (changes or {}).items()}
    )


def change_of(name: str, change: Any) -> Any:
    if (isinstance(change, str) and change == CHANGED) or (isinstance(change, list | tuple) and len(change) == 2):
        return change
    raise Unserializable(f"changes[{name!r}] must be [old, new], or audit.CHANGED for what is secret.")


def json_text(mapping: Mapping[str, Any]) -> str:
    """Canonical JSON text of a mapping, cut when it is too long. Raises Unserializable."""
    if not mapping:
        return "{}"
    whole = plain(mapping, "the mapping")
    text = dumps(whole)
    return text if len(text) <= JSON_MAX else dumps({"cut": cut("", text) | {"names": sorted(whole)[:NAMES_KEPT]}})


# One for all: json.dumps() makes a new one each time.
dumps: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def cut(kept: str, whole: str | bytes) -> dict[str, Any]:
    encoded = whole.encode("utf-8", "surrogatepass") if isinstance(whole, str) else whole
    return {"cut": kept, "length": len(whole), "sha256": sha256(encoded).hexdigest()}


def plain(value: Any, path: str, depth: int = 0) -> Any:
    """The value as JSON knows it. Raises Unserializable for a type that nobody has thought of: it may hold a secret."""
    if value is None or type(value) is bool or (type(value) is str and len(value) <= TEXT_MAX and value.isprintable()):
        return value
    return known(value, path, depth)


@singledispatch
def known(value: Any, path: str, depth: int) -> Any:
    raise Unserializable(
        f"{path} is a {type(value).__name__}, which the audit log does not know how to write. "
        "Give it text or numbers, or audit.CHANGED for what is secret."
    )


@known.register
def _(value: str, path: str, depth: int) -> Any:
    return harmless(value) if len(value) <= TEXT_MAX else cut(harmless(value[:TEXT_KEPT]), value)


@known.register
def _(value: int, path: str, depth: int) -> Any:
    # Python refuses to print very long numbers, and other readers of JSON keep 64 bits at most.
    return value if value.bit_length() <= 64 else plain(hex(value), path)


@known.register
def _(value: float, path: str, depth: int) -> float | str:
    return value if math.isfinite(value) else str(value)


@known.register
def _(value: datetime, path: str, depth: int) -> str:
    return moment(value) if value.tzinfo is not None else value.isoformat()


@known.register(date | time | timedelta | Decimal | IPv4Address | IPv6Address | Promise | UUID)
def _(value: Any, path: str, depth: int) -> Any:
    return plain(str(value), path)


@known.register(bytes | bytearray | memoryview)
def _(value: bytes, path: str, depth: int) -> dict[str, Any]:
    return cut("", bytes(value))


@known.register
def _(value: FieldFile, path: str, depth: int) -> Any:
    return plain(value.name or "", path)


@known.register
def _(value: Model, path: str, depth: int) -> Any:
    if about(value.__class__)[1] == "pk":  # a person, whose name is sealed
        return line(str(value), TEXT_MAX)
    return plain(f"{value._meta.label_lower}:{value.pk}", path)


@known.register(Mapping)
def _(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    if depth > DEPTH_MAX:
        return cut_whole(value, path)
    return {name_of(str(name)): plain(each, f"{path}.{name}", depth + 1) for name, each in value.items()}


@known.register(list | tuple)
def _(value: list[Any], path: str, depth: int) -> Any:
    return cut_whole(value, path) if depth > DEPTH_MAX else [plain(each, path, depth + 1) for each in value]


@known.register(set | frozenset)
def _(value: set[Any], path: str, depth: int) -> list[Any]:
    return sorted((plain(each, path, depth + 1) for each in value), key=dumps)


def name_of(name: str) -> str:
    """Cut, it ends with a digest, so that no two are one."""
    return line(name, NAME_MAX) if len(name) <= NAME_MAX else line(name, NAME_MAX - 16) + cut("", name)["sha256"][:16]


def cut_whole(value: Any, path: str) -> dict[str, Any]:
    try:
        return cut("", dumps(value))
    except (RecursionError, TypeError, ValueError):
        raise Unserializable(f"{path} is nested deeper than {DEPTH_MAX} levels, and is no JSON there.") from None
