"""Encrypted files beside raw AES-256-GCM over the same bytes in one call, and the memory that they take."""

import io
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.base import File

from apps.encryption.cobblestone import Reader
from apps.encryption.storage import HEADER, Sealing
from benchmarks.bars import Bar

MIB = 1024 * 1024
SIZE = 64 * MIB
STEP = 64 * 1024
TAG = 16
KEY, CONTEXT = os.urandom(32), b"benchmark"
ROUNDS = 5


def measured() -> Iterator[Bar]:
    plain, nonce, cipher = os.urandom(SIZE), os.urandom(12), AESGCM(KEY)
    sealed, whole = b"".join(sealing(plain)), cipher.encrypt(nonce, plain, None)
    # The raw calls write into memory that is there already: else most of their time would be the kernel's, for 64 MiB.
    into = memoryview(bytearray(SIZE + TAG))
    raw_seal, seal, raw_open, read = best(
        lambda: cipher.encrypt_into(nonce, plain, None, into),
        lambda: drain(sealing(plain)),
        lambda: cipher.decrypt_into(nonce, whole, None, into[:SIZE]),
        lambda: drain(opening(sealed, SIZE)),
    )
    yield Bar("files: speed of encrypting, of one raw call", 0.5, raw_seal / seal, at_least=True)
    yield Bar("files: speed of reading, of one raw call", 0.5, raw_open / read, at_least=True)
    yield Bar("files: speed of reading, of encrypting", 1, seal / read, at_least=True)
    small, sealed_small = plain[:MIB], b"".join(sealing(plain[:MIB]))
    peaks = [peak(lambda: drain(sealing(small))), peak(lambda: drain(sealing(plain)))]
    yield Bar(f"files: KiB of memory to encrypt {SIZE // MIB} MiB", 8 * STEP / 1024, peaks[1])
    yield Bar("files: that memory, of what 1 MiB takes", 1.1, peaks[1] / peaks[0])
    peaks = [peak(lambda: drain(opening(sealed_small, MIB))), peak(lambda: drain(opening(sealed, SIZE)))]
    yield Bar(f"files: KiB of memory to read {SIZE // MIB} MiB", 4 * 16, peaks[1])
    yield Bar("files: that memory, of what 1 MiB takes", 1.1, peaks[1] / peaks[0])


def sealing(plain: bytes) -> Iterator[bytes]:
    stream = Sealing(File(io.BytesIO(plain)), bytes(HEADER), KEY, CONTEXT)
    return iter(lambda: stream.read(STEP), b"")


def opening(sealed: bytes, size: int) -> Iterator[bytes]:
    return Reader(io.BytesIO(sealed), KEY, CONTEXT, start=HEADER).pieces(0, size)


def drain(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def best(*works: Callable[[], Any]) -> list[float]:
    """The least seconds of each, which are taken in turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, times, strict=True):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
    return [min(taken) for taken in times]


def peak(work: Callable[[], Any]) -> float:
    """KiB that are held at once, but for what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
