"""Reading at any place agrees with the streaming implementation, and with the published vectors of Cobblestone-256."""

import hashlib
import io
import json
import os
import zlib
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.encryption.cobblestone import CHUNK, PRELUDE, SEALED_CHUNK, Reader, opened_size, sealed_size
from tests.encryption.reference import VECTORS

WYCHEPROOF = json.loads((VECTORS / "cobblestone-256.json").read_text(encoding="utf-8"))["tests"]
KEY, CONTEXT = os.urandom(32), b"the context"
SIZES = (0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 7, 5 * CHUNK)


def sealed(plaintext: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(plaintext) + encryptor.finalize()


def reader(message: bytes, key: bytes = KEY, context: bytes = CONTEXT, start: int = 0) -> Reader:
    return Reader(io.BytesIO(message), key, context, start=start)


def opened(vector: dict[str, Any]) -> Reader:
    message = zlib.decompress(bytes.fromhex(vector["ct"]))
    return reader(message, bytes.fromhex(vector["key"]), bytes.fromhex(vector["ctx"]))


def only(result: str) -> pytest.MarkDecorator:
    found = [vector for vector in WYCHEPROOF if vector["result"] == result]
    return pytest.mark.parametrize("vector", found, ids=[f"{v['tcId']} {v['comment']}" for v in found])


def test_all_of_the_published_vectors_are_run() -> None:
    assert [vector["tcId"] for vector in WYCHEPROOF] == list(range(1, 36))


@only("valid")
def test_each_valid_message_is_read_whole(vector: dict[str, Any]) -> None:
    message = opened(vector)
    assert message.size == vector["msgLength"]
    assert hashlib.sha512(message.read()).hexdigest() == vector["msgSha512"]


@pytest.mark.asvs("11.3.2", "11.3.4")
@only("invalid")
def test_each_invalid_message_is_refused_and_gives_no_byte_beyond_its_valid_part(vector: dict[str, Any]) -> None:
    found = bytearray()

    def collect() -> None:
        for piece in opened(vector).pieces(0, 2**30):
            found.extend(piece)

    with pytest.raises((InvalidTag, ValueError)) as refused:
        collect()
    assert refused.type is (ValueError if "InvalidKeySize" in vector["flags"] else InvalidTag)
    assert len(found) <= vector.get("msgLength", 0)
    if found:
        assert hashlib.sha512(found).hexdigest() == vector["msgSha512"]


def test_it_fails_again_rather_than_to_pretend_an_end_of_file() -> None:
    message = reader(MESSAGE[:PRELUDE] + bytes(SEALED_CHUNK) + MESSAGE[PRELUDE + SEALED_CHUNK :])
    for _ in range(2):
        with pytest.raises(InvalidTag):
            message.read()


@only("invalid")
def test_the_size_is_believed_only_if_the_last_chunk_authenticates(vector: dict[str, Any]) -> None:
    if "ValidFinalChunk" in vector["flags"]:
        assert opened(vector).size >= vector.get("msgLength", 0)
    else:
        with pytest.raises((InvalidTag, ValueError)):
            opened(vector)


@pytest.mark.parametrize("size", SIZES)
def test_what_the_stream_writes_is_read(size: int) -> None:
    plaintext = os.urandom(size)
    message = sealed(plaintext)
    assert len(message) == sealed_size(size)
    assert opened_size(len(message)) == size
    assert reader(message).read() == plaintext


@pytest.mark.parametrize("size", [*range(PRELUDE + 16), PRELUDE + SEALED_CHUNK, PRELUDE + SEALED_CHUNK + 15])
def test_no_message_has_an_impossible_size(size: int) -> None:
    assert opened_size(size) is None
    with pytest.raises(InvalidTag):
        reader(bytes(size))


PLAINTEXT = os.urandom(3 * CHUNK + 100)
MESSAGE = sealed(PLAINTEXT)
PLACES = st.integers(0, len(PLAINTEXT) + 50) | st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])


@given(st.lists(st.tuples(PLACES, st.integers(0, 2 * CHUNK + 5)), min_size=1, max_size=6))
@example([(0, CHUNK), (0, CHUNK + 1), (CHUNK, 1)])
def test_any_place_can_be_read(reads: list[tuple[int, int]]) -> None:
    message = reader(b"header" + MESSAGE, start=6)
    for place, size in reads:
        message.seek(place)
        assert message.read(size) == PLAINTEXT[place : place + size]
        assert message.tell() == place + len(PLAINTEXT[place : place + size])


@given(PLACES, PLACES)
def test_any_range_comes_in_pieces_of_at_most_a_chunk(start: int, stop: int) -> None:
    pieces = list(reader(MESSAGE).pieces(start, stop))
    assert b"".join(pieces) == PLAINTEXT[start:stop]
    assert all(0 < len(piece) <= CHUNK for piece in pieces)


def test_it_is_a_file_as_others() -> None:
    message = reader(MESSAGE)
    assert message.readable()
    assert message.seekable()
    assert message.seek(-4, io.SEEK_END) == len(PLAINTEXT) - 4
    assert message.seek(2, io.SEEK_CUR) == len(PLAINTEXT) - 2
    buffer = bytearray(10)
    assert message.readinto(buffer) == 2
    assert bytes(buffer[:2]) == PLAINTEXT[-2:]
    assert io.BufferedReader(reader(MESSAGE)).read(20_000) == PLAINTEXT[:20_000]
    with pytest.raises(ValueError, match="before its start"):
        message.seek(-1)


def test_closing_it_closes_what_it_reads() -> None:
    source = io.BytesIO(MESSAGE)
    Reader(source, KEY, CONTEXT).close()
    assert source.closed


@settings(max_examples=60)
@given(st.integers(0, len(MESSAGE) - 1), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_noticed(place: int, bit: int) -> None:
    damaged = bytearray(MESSAGE)
    damaged[place] ^= 1 << bit
    with pytest.raises(InvalidTag):
        reader(bytes(damaged)).read()


@settings(max_examples=60)
@given(st.integers(0, len(MESSAGE) - 1))
def test_a_cut_anywhere_is_noticed_before_the_first_byte(place: int) -> None:
    with pytest.raises(InvalidTag):
        reader(MESSAGE[:place])


@pytest.mark.parametrize(("key", "context"), [(bytes(32), CONTEXT), (KEY, b"another context")], ids=["key", "context"])
def test_another_key_or_context_is_refused_by_the_commitment(key: bytes, context: bytes) -> None:
    with pytest.raises(InvalidTag):
        reader(MESSAGE, key, context)


def test_a_file_that_gets_shorter_while_it_is_read_is_refused() -> None:
    source = io.BytesIO(MESSAGE)
    message = Reader(source, KEY, CONTEXT)
    source.truncate(PRELUDE + 5)
    with pytest.raises(InvalidTag):
        message.read()


def test_the_streaming_reader_agrees() -> None:
    decryptor = Cobblestone256Decryptor(KEY, CONTEXT)
    assert decryptor.update(MESSAGE) + decryptor.finalize() == reader(MESSAGE).read()


def test_an_error_carries_no_plaintext_in_its_frames() -> None:
    message = reader(MESSAGE[:PRELUDE] + MESSAGE[PRELUDE:-SEALED_CHUNK] + bytes(SEALED_CHUNK - 116) + MESSAGE[-116:])
    with pytest.raises(InvalidTag) as refused:
        message.read()
    shown = [value for entry in refused.traceback[1:] for value in entry.frame.f_locals.values()]
    assert [value for value in shown if isinstance(value, bytes) and value and value in PLAINTEXT] == []
