"""Signed notes (C2SP signed-note, Ed25519) and the checkpoint that one holds (C2SP tlog-checkpoint). SPEC.md, Seals.

The keys come as plain data from the setting AUDIT_SIGNING_KEYS, a ring as `manage.py keys` makes it; AUDIT_UNWRAP names
who unwraps it if it is kept wrapped. The primary key signs, if its material is there: who only verifies is given public
halves, by `manage.py keys public`, so that who takes over the site can sign nothing. What a key signed stays proven
when it is retired, and when it is destroyed, for then its public half is kept; what it signs later is not believed.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils.module_loading import import_string

from apps.audit.canonical import moment
from apps.audit.errors import BadNote, NoSigningKey

SETTING: Final = "AUDIT_SIGNING_KEYS"
ED25519: Final = b"\x01"
TIME: Final = re.compile(r"^time (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$", re.ASCII | re.MULTILINE)
CLOCKS_DIFFER: Final = timedelta(minutes=5)  # at most, of the sealer and of who retires a key
NOTE: Final = re.compile(rb"^(?:.+\n)+\n(?:\xe2\x80\x94 \S+ \S+\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the ring, and the names by which the world knows it."""

    id: str
    state: str
    public: bytes
    private: Ed25519PrivateKey | None
    until: str  # up to which time of notes it is believed; empty: it has not retired

    def note_id(self, origin: str) -> bytes:
        return sha256(origin.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def verifier(self, origin: str) -> str:
        """What an outsider needs to check signatures: `<origin>+<id>+<key>`."""
        return f"{origin}+{self.note_id(origin).hex()}+{b64encode(ED25519 + self.public).decode()}"


def origin() -> str:
    """The name of this log. Notes signed under another name are not its own."""
    return getattr(settings, "AUDIT_ORIGIN", "") or f"{urlsplit(str(settings.SITE_URL)).hostname}/audit"


def ring() -> list[Key]:
    """All keys of the ring. Raises NoSigningKey if it is missing or can't be read."""
    text = str.__str__(getattr(settings, SETTING, ""))
    if unwrap := getattr(settings, "AUDIT_UNWRAP", ""):
        text = import_string(unwrap)(SETTING, text)
    return list(parsed(text))


@lru_cache(maxsize=4)
def parsed(text: str) -> tuple[Key, ...]:
    try:
        return tuple(key_of(name, entry) for name, entry in json.loads(text).items())
    except (AttributeError, KeyError, TypeError, ValueError):  # its own message could quote material
        raise NoSigningKey(
            f"{SETTING} is no ring of signing keys. Make one with: manage.py keys generate audit --file PATH"
        ) from None


def key_of(name: str, entry: dict[str, Any]) -> Key:
    until, state = "", entry["state"]
    if state in ("retired", "destroyed"):
        retired = entry.get("retired") or entry.get("changed") or entry["created"]
        until = moment(datetime.fromisoformat(retired) + CLOCKS_DIFFER)
    if "material" not in entry:
        return Key(name, state, b64decode(entry["public"]), None, until)
    private = Ed25519PrivateKey.from_private_bytes(b64decode(entry["material"]))
    return Key(name, state, private.public_key().public_bytes_raw(), private, until)


def public_half(material: str) -> str:
    """What `manage.py keys destroy` leaves of a key, so that what it signed can still be verified."""
    private = Ed25519PrivateKey.from_private_bytes(b64decode(material))
    return b64encode(private.public_key().public_bytes_raw()).decode()


def signer() -> tuple[Key, Ed25519PrivateKey]:
    """The primary key. Raises NoSigningKey, also if only its public half is here."""
    key = next((key for key in ring() if key.state == "primary"), None)
    if key is None:
        raise NoSigningKey(f"{SETTING} has no primary key to sign with.")
    if key.private is None:
        raise NoSigningKey(
            f"{SETTING} holds only public halves here, which sign nothing. Only the sealer, and who archives, is given "
            f"the ring that `manage.py keys generate audit` made: set {SETTING}_FILE to it for this command."
        )
    return key, key.private


def signed(text: str) -> str:
    """The note: the text, an empty line, the signature by the primary key. Raises NoSigningKey."""
    key, private = signer()
    signature = b64encode(key.note_id(origin()) + private.sign(text.encode())).decode()
    return f"{text}\n\u2014 {origin()} {signature}\n"


def opened(note: str, after: str = "") -> str:
    """The text of a note that a key of this log has signed. Raises BadNote, which says what is wrong.

    after: the time of another note, known to be older: what a thief of a retired key writes below it is not dated back.
    """
    text, gap, signatures = note.partition("\n\n")
    text += "\n"
    if not gap or not NOTE.fullmatch(note.encode()):
        raise BadNote("malformed", "it is no signed note")
    try:
        lines = [line.split(" ") for line in signatures.splitlines()]
        raw = [b64decode(signature) for _, name, signature in lines if name == origin()]
    except ValueError:
        raise BadNote("malformed", "its signature can't be read") from None
    known = {key.note_id(origin()): key for key in ring()}
    for signature in raw:
        if key := known.get(signature[:4]):
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise BadNote("wrong signature", f"its signature by key {key.id} is wrong") from None
            said = TIME.search(text)
            if key.until and not (said and max(said[1], after) <= key.until):
                raise BadNote("retired key", f"key {key.id} has signed it after it had retired")
            return text
    raise BadNote("unknown key", f"no key of {SETTING} has signed it")


def notes_in(path: Path) -> Iterator[str]:
    """The whole notes in a file to which notes were appended; half a note, as a crash leaves it, is passed over."""
    if not path.exists() or not path.stat().st_size:  # nothing, which can't be mapped
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as text:
        for match in NOTE.finditer(text):
            yield match[0].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a checkpoint says: the first `size` leaves have this root; `events` of them are new since the one before.

    through: up to which time of events the log was swept for them. late: how many a person let in although their time
    was long past (`audit seal --late`).
    """

    size: int
    root: bytes
    time: str
    through: str
    events: int
    late: int = 0

    def text(self) -> str:
        root, late = b64encode(self.root).decode(), f"late {self.late}\n" if self.late else ""
        sealed = f"time {self.time}\nthrough {self.through}\nevents {self.events}\n{late}"
        return f"{origin()}\n{self.size}\n{root}\n{sealed}"

    @classmethod
    def read(cls, note: str, after: str = "") -> Self:
        """Raises BadNote if the note is not signed by this log (see `opened`), or is no checkpoint of it."""
        return cls.parse(opened(note, after))

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            name, size, root, *rest = text.splitlines()
            said = dict(line.split(" ", 1) for line in rest)
            found = cls(
                int(size), b64decode(root), said["time"], said["through"], int(said["events"]), int(said.get("late", 0))
            )
        except (KeyError, ValueError):
            raise BadNote("malformed", "it is no checkpoint") from None
        if name != origin() or found.text() != text:
            raise BadNote("malformed", f"it is no checkpoint of {origin()}")
        return found
