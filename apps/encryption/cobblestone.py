"""Random access to Cobblestone-256 messages (https://c2sp.org/chunked-encryption), which `cryptography` only streams.

A message is a salt (24 bytes), a commitment to the key (32), and chunks of 16 KiB, each with a GCM tag of its own and a
nonce that holds its number. The last chunk is shorter, if need be empty: that is how the end is told from a cut.
Writing is left to `cryptography.cobblestone`; this module reads, and never gives out a byte that did not authenticate.
"""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

INFO = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
KEY, NONCE, SALT, COMMITMENT = 32, 12, 24, 32  # bytes
PRELUDE = SALT + COMMITMENT
CHUNK, TAG = 16 * 1024, 16
SEALED_CHUNK = CHUNK + TAG


def sealed_size(size: int) -> int:
    """How many bytes the message of `size` bytes has."""
    return PRELUDE + size + TAG * (size // CHUNK + 1)


def opened_size(size: int) -> int | None:
    """How many bytes a message of `size` bytes holds; None if no message has this size, so that it was cut off."""
    whole, rest = divmod(size - PRELUDE, SEALED_CHUNK)
    return whole * CHUNK + rest - TAG if size >= PRELUDE and rest >= TAG else None


class ReadOnly(io.RawIOBase):
    """What is read from a place on, `_at`, of `size` bytes."""

    size: int
    _at: int = 0

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def place(self, offset: int, whence: int) -> int:
        return offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]


class Reader(ReadOnly):
    """A message as a file to read and seek in. It holds one chunk at a time.

    The size is authenticated at the start, by the last chunk. Raises what `damaged()` gives, then and on each read of a
    chunk that does not authenticate; ValueError if the key has not 32 bytes. Closing it closes `source`.
    """

    def __init__(self, source: BinaryIO, key: bytes, context: bytes, *, start: int = 0) -> None:
        self._source, self._start = source, start
        self._held: tuple[int, bytes] = (-1, b"")
        if len(key) != KEY:
            raise ValueError(f"A key of Cobblestone-256 has {KEY} bytes.")
        size = opened_size(source.seek(0, io.SEEK_END) - start)
        if size is None:
            raise self.damaged()
        self.size = size
        source.seek(start)
        self.salt, committed = source.read(SALT), source.read(COMMITMENT)
        okm = HKDFExpand(SHA512(), KEY + NONCE + COMMITMENT, INFO + self.salt + context).derive(key)
        if not bytes_eq(okm[KEY + NONCE :], committed):
            raise self.damaged()
        self._cipher, self._nonce = AESGCM(okm[:KEY]), int.from_bytes(okm[KEY : KEY + NONCE])
        self._chunk(size // CHUNK)

    def damaged(self) -> Exception:
        """What is raised when something does not authenticate."""
        return InvalidTag()

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, at most a chunk at a time."""
        stop = min(stop, self.size)
        for number in range(start // CHUNK, -(-stop // CHUNK) if start < stop else 0):
            # In no variable here: should the next chunk be damaged, a report would show this frame.
            yield self._part(number, start - number * CHUNK, stop - number * CHUNK)

    def _part(self, number: int, start: int, stop: int) -> bytes:
        chunk = self._chunk(number)
        return chunk if start <= 0 and stop >= len(chunk) else chunk[max(start, 0) : stop]

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as asked for, or as are left."""
        stop = self.size if size is None or size < 0 else min(self._at + size, self.size)
        found = b"".join(self.pieces(self._at, stop))
        self._at += len(found)
        return found

    def readinto(self, buffer: Any, /) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        target = self.place(offset, whence)
        if target < 0:
            raise ValueError("A file has nothing before its start.")
        self._at = target
        return target

    def close(self) -> None:
        self._held = (-1, b"")
        self._source.close()
        super().close()

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            self._source.seek(self._start + PRELUDE + number * SEALED_CHUNK)
            sealed = self._source.read(SEALED_CHUNK)
            try:
                opened = self._cipher.decrypt((self._nonce ^ number).to_bytes(NONCE), sealed, None)
            except (InvalidTag, ValueError):  # ValueError: shorter than a tag, as it was cut off while being read
                raise self.damaged() from None
            self._held = number, opened
        return self._held[1]
