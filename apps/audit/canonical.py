"""The canonical form of an event: harmless text, one form of time, and the digest over all columns.

SPEC.md writes it down, with a test vector. It is frozen: a stored event can't be written again. JSON: `values`.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final
from uuid import UUID

SCHEMA: Final = 1
EPOCH: Final = datetime.fromtimestamp(0, UTC)
DIGEST_LABEL: Final = b"audit event 1\n"
SHORT: Final = [length.to_bytes(4) for length in range(1024)]  # the lengths of nearly all texts: those below 1024

# What a terminal obeys, or what shows a line that is not the line: control characters (CWE-117, CWE-150), line and
# paragraph separators, marks that reverse the direction (Trojan Source, CVE-2021-42574), tags, and what is no UTF-8.
HARMFUL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


def harmless(text: str) -> str:
    """The text with each harmful character shown as its escape, such as \\x1b (ASVS 16.4.1)."""
    if text.isprintable():
        return str(text)
    return HARMFUL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def line(text: str, longest: int) -> str:
    """One harmless line of at most `longest` characters; an ellipsis says that it was cut."""
    if type(text) is str and len(text) <= longest and text.isprintable():  # nearly all
        return text
    safe = harmless(text[:longest])
    return safe if len(safe) <= longest and len(text) <= longest else safe[: longest - 1] + "…"


def moment(when: datetime) -> str:
    """The one form of time: UTC to the millisecond, 24 characters, ordered as text (ASVS 16.2.2)."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def moment_of(identifier: UUID) -> datetime:
    """When a UUIDv7 was made (RFC 9562, 5.7): its first 48 bits are milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=identifier.int >> 80)


def time_of(identifier: UUID) -> str:
    """The same as text."""
    second, millisecond = divmod(identifier.int >> 80, 1000)
    return f"{text_of(second)}.{millisecond:03}Z"


@lru_cache(maxsize=16)
def text_of(second: int) -> str:
    return moment(EPOCH + timedelta(seconds=second))[:19]


def floor_of(when: datetime) -> UUID:
    """The lowest UUIDv7 of that millisecond: the bound that turns a filter on time into one on the primary key."""
    milliseconds = (when - EPOCH) // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), (1 << 48) - 1) << 80 | 7 << 76 | 2 << 62)


def digest(columns: Iterable[str]) -> str:
    """SHA-256 over the texts, each after its length (4 bytes, big endian), so that none flows into the next."""
    return digest_of(map(str.encode, columns)).hex()


def digest_of(columns: Iterable[bytes]) -> bytes:
    """The same, over texts that are UTF-8 already."""
    parts = [DIGEST_LABEL]
    add, short = parts.append, SHORT  # looked up once: of verification, this loop takes the most
    for encoded in columns:
        length = len(encoded)
        add(short[length] if length < 1024 else length.to_bytes(4))
        add(encoded)
    return sha256(b"".join(parts)).digest()
