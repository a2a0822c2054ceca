"""Key rings: parsing, refusing what is weak, and making new ones. Needs no Django (SPEC.md, section 7).

A ring is JSON text, so that it fits in one variable, one mounted secret or one file. Nothing here shows material: not a
problem's text, not a repr.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from apps.encryption.errors import KeyringError, KeyUnavailable

MATERIAL_SIZE = 32  # bytes; AES-256, and the strength of HMAC-SHA256
KEY_ID = re.compile(r"[0-9a-f]{8}")
MEMBERS = {"state", "created", "changed", "material", "number", "public", "retired"}


class State(StrEnum):
    PRIMARY = "primary"
    DECRYPT_ONLY = "decrypt-only"
    RETIRED = "retired"
    DESTROYED = "destroyed"


LIVE = (State.PRIMARY, State.DECRYPT_ONLY)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a ring. `material` is empty once the key is destroyed, and where only its public half is kept."""

    id: str
    state: State
    created: datetime
    number: int
    material: bytes = field(repr=False)
    changed: datetime | None = None  # when it got its present state, if that was not when it was made

    @property
    def id_bytes(self) -> bytes:
        return bytes.fromhex(self.id)


class Keyring:
    """The keys of one ring, by the 4 bytes of their id."""

    def __init__(self, keys: list[Key]) -> None:
        self._keys = {key.id_bytes: key for key in keys}

    @classmethod
    def parse(cls, text: str, *, name: str, index: bool = False, public: bool = False) -> Self:
        """Read a ring as `validate` wants it. Raises KeyringError with all problems."""
        if problems := validate(text, index=index, public=public):
            raise KeyringError(name, problems)
        return cls([_key(key_id, entry) for key_id, entry in json.loads(text).items()])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    @property
    def primary(self) -> Key:
        return next(key for key in self if key.state is State.PRIMARY)

    @property
    def live(self) -> list[Key]:
        """Keys that open, or roots that a lookup asks for: the primary first."""
        return sorted((key for key in self if key.state in LIVE), key=lambda key: LIVE.index(key.state))

    def to_open(self, id_bytes: bytes) -> Key:
        """The key that a cell names. Raises KeyUnavailable if it is unknown, retired or destroyed."""
        key = self._keys.get(id_bytes)
        if key is None:
            raise KeyUnavailable(
                id_bytes.hex(), "is not in the ring; put it back as decrypt-only to read what it sealed"
            )
        if key.state not in LIVE:
            raise KeyUnavailable(key.id, f"is {key.state}, so what it sealed is not opened")
        return key


def validate(text: str, *, index: bool = False, public: bool = False) -> list[str]:
    """All that is wrong with the text of a ring, in plain words.

    index: hold it to what index roots need, too. public: public halves will do, as for who only checks signatures.
    """
    return list(_problems(text, index=index, public=public))


def new_ring() -> str:
    """The text of a ring with one fresh primary key from the kernel's generator."""
    return json.dumps({new_id(): new_entry(State.PRIMARY, 1)}, indent=2) + "\n"


def new_id() -> str:
    return secrets.token_hex(4)


def new_entry(state: State, number: int) -> dict[str, Any]:
    """A key as it stands in a ring, with fresh material from the kernel's generator."""
    material = base64.b64encode(secrets.token_bytes(MATERIAL_SIZE)).decode()
    return {"state": state, "created": now(), "material": material, "number": number}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_new_ring(path: str | os.PathLike[str], form: Callable[[str], str] = str) -> str:
    """Write a new ring to `path`, readable by its owner only, and return the id of its key.

    `form` turns its text into what is written, for a ring that is kept wrapped: then its material is on no disk.

    A reader sees no file or the whole file. Raises FileExistsError if something is there: a lost key is lost data.
    Folders that are missing are made, for their owner only.
    """
    target, text = Path(path), new_ring()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with draft_of(target, form(text)) as draft:
        try:
            os.link(draft, target)  # unlike a rename, never replaces what is there
        except FileExistsError:
            raise FileExistsError(f"{target} exists, and a key is never overwritten. Choose another file.") from None
    return str(next(iter(json.loads(text))))


@contextmanager
def draft_of(target: Path, text: str) -> Iterator[Path]:
    """A file beside `target` that holds the text, is on the disk, and is gone at the end unless it was moved."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


class _Twice(ValueError):
    """A JSON object names something twice; json.loads alone would keep the last, and a key would be lost unseen."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _Twice(", ".join(twice) if all(name in MEMBERS or KEY_ID.fullmatch(name) for name in twice) else "a name")
    return dict(pairs)


def _problems(text: str, *, index: bool, public: bool) -> Iterator[str]:
    try:
        ring = json.loads(text, object_pairs_hook=_unique)
    except _Twice as twice:
        yield f"{twice} is there twice; each key id and member must be unique."
        return
    except (ValueError, RecursionError):
        # The parser's own message could quote material.
        yield "The ring is not JSON. Make one with: manage.py keys generate"
        return
    if not isinstance(ring, dict) or not ring:
        yield "The ring holds no key: it must be a JSON object of key ids. Make one with: manage.py keys generate"
        return
    for position, (key_id, entry) in enumerate(ring.items(), 1):
        yield from _key_problems(key_id, entry, position, public=public)
    yield from _ring_problems([entry for entry in ring.values() if isinstance(entry, dict)], index=index)


def _key_problems(key_id: str, entry: Any, position: int, *, public: bool) -> Iterator[str]:
    known = KEY_ID.fullmatch(key_id) is not None
    key = f"Key {key_id}" if known else f"Key number {position}"  # a wrong id may be a misplaced secret: not shown
    if not known:
        yield f"{key}: its id is not 8 lower-case hexadecimal digits."
    if not isinstance(entry, dict):
        yield f"{key}: is not an object with {', '.join(sorted(MEMBERS))}."
        return
    if entry.keys() - MEMBERS:
        yield f"{key}: has members other than {', '.join(sorted(MEMBERS))}."
    if entry.get("state") not in list(State):
        yield f"{key}: its state is not one of {', '.join(State)}."
    if _time(entry.get("created")) is None:
        yield f"{key}: created is not a time with zone, such as 2026-01-31T12:00:00Z."
    for name in ("changed", "retired"):
        if name in entry and _time(entry[name]) is None:
            yield f"{key}: {name} is not a time with zone, such as 2026-01-31T12:00:00Z."
    number = entry.get("number", 1)
    if type(number) is not int or number < 1:
        yield f"{key}: number is not a whole number from 1."
    yield from (f"{key}: {problem}" for problem in _material_problems(entry, public=public))


def _material_problems(entry: Mapping[str, Any], *, public: bool) -> Iterator[str]:
    material = entry.get("material")
    if entry.get("state") == State.DESTROYED:
        if material:
            yield "is destroyed, but its material is still there. Take it out."
        return
    if "public" in entry and material is None:
        if not public:
            yield "only its public half is here. Name the ring that holds its material."
        elif len(_material(entry["public"]) or b"") != MATERIAL_SIZE:
            yield f"its public half is not base64 of {MATERIAL_SIZE} bytes."
        return
    raw = _material(material)
    if raw is None:
        yield "its material is not base64."
    elif len(raw) != MATERIAL_SIZE:
        yield f"its material has {len(raw)} bytes instead of {MATERIAL_SIZE}."
    elif not any(raw):
        yield "its material is all zero."
    elif len(set(raw)) < 8:  # for 32 random bytes: less than 2^-150
        yield "its material is not random."


def _ring_problems(entries: list[dict[str, Any]], *, index: bool) -> Iterator[str]:
    primaries = sum(entry.get("state") == State.PRIMARY for entry in entries)
    if primaries != 1:
        yield f"{primaries or 'No'} key{'s are' if primaries > 1 else ' is'} primary: exactly one must be."
    materials = [raw for entry in entries if (raw := _material(entry.get("material")))]
    if len(set(materials)) < len(materials):
        yield "Two keys have the same material."
    numbers = [entry.get("number", 1) for entry in entries if entry.get("state") in LIVE]
    if index and len({number % 2 for number in numbers if type(number) is int}) < len(numbers):
        yield "Of index roots at most two may be primary or decrypt-only, one with an odd and one with an even number."


def _material(value: Any) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        return None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None


def _key(key_id: str, entry: Mapping[str, Any]) -> Key:
    created = datetime.fromisoformat(entry["created"])
    material = _material(entry.get("material")) or b""
    changed = _time(entry.get("changed"))
    return Key(key_id, State(entry["state"]), created, entry.get("number", 1), material, changed)
