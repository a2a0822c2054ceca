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

SIZE = 64 * 1024 * 1024
STEP = 64 * 1024
KEY, CONTEXT = os.urandom(32), b"benchmark"
ROUNDS = 5


def measured() -> Iterator[tuple[Any, ...]]:
    """What is held, its limit, the measured number, and whether it must be at least that."""
    plain, nonce, cipher = os.urandom(SIZE), os.urandom(12), AESGCM(KEY)
    sealed = b"".join(sealing(plain))
    whole = cipher.encrypt(nonce, plain, None)
    speed = [
        best(lambda: cipher.encrypt(nonce, plain, None)) / best(lambda: drain(sealing(plain))),
        best(lambda: cipher.decrypt(nonce, whole, None)) / best(lambda: drain(opening(sealed))),
    ]
    yield "files: speed of encrypting, of one raw call", 0.5, speed[0], True
    yield "files: speed of reading, over that of encrypting", 1, speed[1] / speed[0], True
    peaks = [peak(lambda: drain(sealing(plain))), peak(lambda: drain(opening(sealed)))]
    yield f"files: KiB of memory to encrypt {SIZE >> 20} MiB", 16 * STEP / 1024, peaks[0]
    yield f"files: KiB of memory to read {SIZE >> 20} MiB", 16 * STEP / 1024, peaks[1]


def sealing(plain: bytes) -> Iterator[bytes]:
    stream = Sealing(File(io.BytesIO(plain)), bytes(HEADER), KEY, CONTEXT)
    return iter(lambda: stream.read(STEP), b"")


def opening(sealed: bytes) -> Iterator[bytes]:
    return Reader(io.BytesIO(sealed), KEY, CONTEXT, start=HEADER).pieces(0, SIZE)


def drain(pieces: Iterator[bytes]) -> None:
    for _ in pieces:
        pass


def best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def peak(work: Callable[[], Any]) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()
