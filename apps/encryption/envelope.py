"""The one place that encrypts: XAES-256-GCM under a key for each field, the layout of a cell, and its padding.

SPEC.md says what the bytes are and why. This module adds what makes it fast: a derived AES-GCM object is kept for as
many cells as share the first half of their nonce, both when sealing (an epoch) and when opening (a cache). A fresh
object for each value would halve the speed, a fresh HKDF would quarter it.
"""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.encryption.errors import NotSealed, UnknownFormat

FORMAT = 0x81
HAS_TAG, PADDED, ODD_ROOT = 0x01, 0x04, 0x10
FIELD_CONTEXT = b"rampart/field/1"
INDEX_CONTEXT = b"rampart/index/1"

KEY_ID = slice(2, 6)
BARE_HEADER, TAG_SIZE = 6, 16
TAGGED_HEADER = BARE_HEADER + TAG_SIZE
HALF_NONCE = 12
NONCE = 2 * HALF_NONCE
HEADER_SIZES = {
    bytes((FORMAT, PADDED)): BARE_HEADER,
    bytes((FORMAT, PADDED | HAS_TAG)): TAGGED_HEADER,
    bytes((FORMAT, PADDED | HAS_TAG | ODD_ROOT)): TAGGED_HEADER,
}
BLOCK, PAD = 16, 0x80
SMALL = 512  # bytes; less is padded to the next block
PADDING = [bytes((PAD,)).ljust(size, b"\0") for size in range(BLOCK, 0, -1)]  # by how far the last block is filled
GCM_TAG = 16
SHORTEST = NONCE + BLOCK + GCM_TAG  # what follows the header of a cell
EPOCH = 4096  # cells that may share N1
# The same kernel's generator by a shorter way, where there is one (Linux): a third less time for each value's nonce.
random_bytes: Callable[[int], bytes] = getattr(os, "getrandom", os.urandom)


type Epoch = tuple[bytes, Callable[[bytes, bytes, bytes], bytes], Iterator[int]]
"""N1, what seals with it, and as many items as it may seal yet."""


class Xaes:
    """XAES-256-GCM (C2SP) under one 32-byte key. Threads may share it."""

    __slots__ = ("_epoch", "_mac")

    def __init__(self, key: bytes) -> None:
        self._mac = CMAC(AES256(key))
        self._epoch: Any = None, None, iter(())  # one that is over: what only opens never needs another

    def derive(self, n1: bytes) -> AESGCM:
        """The AES-256-GCM key for all nonces that begin with `n1` (SP 800-108 in counter mode over CMAC)."""
        halves = []
        for counter in (1, 2):
            mac = self._mac.copy()
            mac.update(bytes((0, counter, 0x58, 0)) + n1)
            halves.append(mac.finalize())
        return AESGCM(halves[0] + halves[1])

    def seal(self, plaintext: bytes, aad: bytes, head: bytes = b"") -> bytes:
        """The head as it is given, then nonce, ciphertext and tag."""
        # Without a lock: two threads that begin an epoch at once each get a whole one, and neither repeats a nonce.
        n1, encrypt, left = self._epoch
        if next(left, None) is None:
            n1, encrypt, left = self._epoch = self._next_epoch()
        n2 = random_bytes(HALF_NONCE)
        return b"".join((head, n1, n2, encrypt(n2, plaintext, aad)))

    def _next_epoch(self) -> Epoch:
        n1 = random_bytes(HALF_NONCE)
        return n1, self.derive(n1).encrypt, iter(range(EPOCH - 1))  # the cell that began it is the first

    def open(self, sealed: bytes, aad: bytes, start: int = 0) -> bytes | None:
        """The plaintext of what follows `start`: nonce, ciphertext and tag. None if it does not authenticate."""
        middle = start + HALF_NONCE
        end = middle + HALF_NONCE
        try:
            return _opener(self, sealed[start:middle])(sealed[middle:end], sealed[end:], aad)
        except (InvalidTag, ValueError):  # ValueError: cut off inside the nonce
            return None


@lru_cache(maxsize=1024)  # about 2.3 KB each
def _opener(cipher: Xaes, n1: bytes) -> Callable[[bytes, bytes, bytes], bytes]:
    return cipher.derive(n1).decrypt


def hkdf(secret: bytes, context: bytes, *parts: str) -> bytes:
    """32 bytes for one use: HKDF-SHA256 (RFC 5869) with the context and each part, length first, as its info."""
    info = context + b"".join(lv(part.encode()) for part in parts)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def lv(value: bytes) -> bytes:
    """Length as 4 bytes, then the value: joined, such pieces can't be cut in two ways."""
    return len(value).to_bytes(4) + value


def padded_size(size: int) -> int:
    """The least multiple of 16 that holds `size` bytes, rounded up by Padmé from 512 on (Nikitin et al., PETS 2019)."""
    size = -(-size // BLOCK) * BLOCK
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    """ISO/IEC 7816-4: 0x80, then zeros."""
    size = len(plaintext)
    if size < SMALL:
        return plaintext + PADDING[size % BLOCK]
    return (plaintext + PADDING[-1]).ljust(padded_size(size + 1), b"\0")


def unpad(padded: bytes) -> bytes:
    """Raises UnknownFormat if the mark is missing."""
    stripped = padded.rstrip(b"\0")
    if not stripped or stripped[-1] != PAD:
        raise UnknownFormat("The padding of a cell is not that of its format.")
    return stripped[:-1]


def read_cell(held: object) -> tuple[bytes, int]:
    """The cell that a column holds, and where its header ends. Raises NotSealed or UnknownFormat, whatever it holds."""
    if type(held) is bytes and (size := HEADER_SIZES.get(held[:2])):  # nearly all
        return held, size
    cell = held.tobytes() if isinstance(held, memoryview) else held
    if not isinstance(cell, bytes) or not cell or not 0x80 <= cell[0] <= 0xBF:
        raise NotSealed("The column holds something that was never sealed, such as text written to it by SQL.")
    size = HEADER_SIZES.get(cell[:2])
    if size is None:
        raise UnknownFormat(f"The cell's format and flags 0x{cell[:2].hex()} are not known to this version.")
    return cell, size
