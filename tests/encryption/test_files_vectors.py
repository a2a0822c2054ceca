"""The code reads every published file, and a second implementation of the specification agrees with it."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from apps.encryption import errors, rings
from apps.encryption.envelope import lv
from apps.encryption.storage import SealedStorage, Sealing
from tests.encryption import reference_files
from tests.encryption.conftest import entry, ring
from tests.encryption.reference import VECTORS
from tests.testapp.models import Scan

PUBLISHED = (VECTORS / "file-v1.json").read_text(encoding="utf-8")
FILES = json.loads(PUBLISHED)
UseRings = Callable[..., None]


def by_name(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def storage_of(vector: dict[str, Any], use_rings: UseRings) -> SealedStorage:
    """The storage that a vector is about, with its keys in force and its file in place."""
    use_rings(fields=ring(**{vector["key_id"]: entry(material=bytes.fromhex(vector["key"]))}))
    bind = lv(b"".join(lv(name.encode()) + lv(bytes.fromhex(value)) for name, value in vector["bind"]))
    inner = InMemoryStorage()
    inner.save("file", ContentFile(bytes.fromhex(vector["file"])))
    return SealedStorage(inner, label=vector["label"], bind=bind, owner=Scan())


@by_name(FILES["positive"])
def test_each_file_opens_to_its_content(vector: dict[str, Any], use_rings: UseRings) -> None:
    with storage_of(vector, use_rings).open("file") as file:
        assert file.read() == bytes.fromhex(vector["content"]) * vector["times"]


@by_name(FILES["positive"])
def test_the_second_implementation_makes_what_the_first_one_writes(vector: dict[str, Any], use_rings: UseRings) -> None:
    storage, content = storage_of(vector, use_rings), bytes.fromhex(vector["content"]) * vector["times"]
    with storage.inner.open(storage.save("again", ContentFile(content))) as file:
        written = file.read()
    assert reference_files.seal(vector | {"salt": written[10:34].hex()}) == written


@pytest.mark.asvs("11.3.2", "11.3.3")
@by_name(FILES["negative"])
def test_each_bad_file_is_refused_for_its_reason(vector: dict[str, Any], use_rings: UseRings) -> None:
    storage = storage_of(vector, use_rings)
    with pytest.raises(errors.EncryptionError) as refused:
        storage.open("file")
    assert type(refused.value).__name__ == vector["error"]


def test_the_published_file_is_what_the_second_implementation_makes() -> None:
    assert reference_files.file_vectors() == PUBLISHED


def unbound(inner: InMemoryStorage, label: str) -> SealedStorage:
    return SealedStorage(inner, label=label, bind=lv(b""), owner=Scan())


def test_what_one_label_sealed_another_can_not_open() -> None:
    inner = InMemoryStorage()
    storage = unbound(inner, "billing.exports")
    name = storage.save("export.csv", ContentFile(b"a,b"))
    assert (name, storage.open(name).read(), storage.size(name)) == ("export.csv", b"a,b", 3)
    with pytest.raises(errors.OpenFailed):
        unbound(inner, "billing.imports").open(name)


def test_a_sealed_shell_opens_no_file() -> None:
    storage = unbound(InMemoryStorage(), "billing.exports")
    name = storage.save("export.csv", ContentFile(b"a,b"))
    rings.lock(closed=True)
    try:
        with pytest.raises(errors.Locked):
            storage.open(name)
    finally:
        rings.lock(closed=False)


# What a storage does with the ciphertext that it is given


def sealing(content: bytes) -> Sealing:
    return Sealing(ContentFile(content), b"0123456789", bytes(32), b"context")


@pytest.mark.parametrize(
    ("size", "step"), [(0, 1), (10, 7), (16384, 4096), (40_000, 7), (40_000, 16400), (40_000, 65536), (40_000, 10**6)]
)
def test_the_ciphertext_comes_in_pieces_of_any_size(size: int, step: int) -> None:
    stream = sealing(os.urandom(size))
    pieces = list(iter(lambda: stream.read(step), b""))
    assert {len(piece) for piece in pieces[:-1]} <= {step}  # a short one would make S3 refuse a part
    assert sum(map(len, pieces)) == stream.size == stream.tell()


def test_the_ciphertext_can_be_measured_and_begun_again() -> None:
    stream = sealing(b"content")
    assert stream.seekable()
    assert stream.readable()
    first = stream.read(50)
    assert stream.seek(0, io.SEEK_CUR) == 50
    assert stream.seek(0, io.SEEK_END) == stream.size
    assert stream.read() == b""
    assert stream.seek(0) == 0
    again = stream.read()
    assert len(again) == stream.size
    assert again[:10] == first[:10]
    assert again[10:50] != first[10:]  # another salt: what was sent is never continued under the same nonces
    with pytest.raises(io.UnsupportedOperation):
        stream.seek(5)
