"""Padding, the parser of cells, and nonces that never repeat."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.encryption import rings
from apps.encryption.envelope import (
    BARE_HEADER,
    EPOCH,
    NONCE,
    TAGGED_HEADER,
    Xaes,
    lv,
    pad,
    padded_size,
    read_cell,
    unpad,
)
from apps.encryption.errors import NotSealed, UnknownFormat


@given(plaintext=st.binary(max_size=2000))
def test_padding_comes_off_again(plaintext: bytes) -> None:
    assert unpad(pad(plaintext)) == plaintext


@given(size=st.integers(min_value=1, max_value=10**9))
def test_a_padded_size_is_whole_blocks_and_at_most_an_eighth_more(size: int) -> None:
    padded = padded_size(size)
    assert padded % 16 == 0
    assert size <= padded < max(size + 16, size * 1.125 + 16)
    assert padded_size(padded) == padded


@given(plaintext=st.binary(max_size=1200))
def test_the_short_way_pads_as_the_long_way(plaintext: bytes) -> None:
    assert len(pad(plaintext)) == padded_size(len(plaintext) + 1)


def test_lengths_of_like_values_can_not_be_told_apart() -> None:
    assert len({len(pad(b"\x01" + word)) for word in (b"fail", b"clear", b"consider", b"")}) == 1


@given(padded=st.binary(max_size=64))
def test_padding_without_its_mark_is_refused(padded: bytes) -> None:
    if padded.rstrip(b"\0")[-1:] != b"\x80":
        with pytest.raises(UnknownFormat):
            unpad(padded)


@given(one=st.lists(st.binary(max_size=8), max_size=4), other=st.lists(st.binary(max_size=8), max_size=4))
def test_different_lists_of_values_have_different_bytes(one: list[bytes], other: list[bytes]) -> None:
    assert (b"".join(map(lv, one)) == b"".join(map(lv, other))) == (one == other)


@pytest.mark.asvs("11.2.5")
@given(
    held=st.binary(max_size=80) | st.text() | st.integers() | st.none() | st.binary().map(lambda raw: memoryview(raw))
)
def test_whatever_a_column_holds_the_parser_knows_it_or_names_it(held: object) -> None:
    try:
        cell, start = read_cell(held)
    except (NotSealed, UnknownFormat):
        return
    assert (cell[0], start) in {(0x81, 6), (0x81, 22)}


@given(first=st.integers(min_value=0, max_value=0x7F) | st.integers(min_value=0xC0, max_value=0xFF), rest=st.binary())
def test_what_may_be_text_is_called_not_sealed(first: int, rest: bytes) -> None:
    with pytest.raises(NotSealed):
        read_cell(bytes([first]) + rest)


@pytest.mark.asvs("11.3.4")
def test_the_first_half_of_the_nonce_lasts_one_epoch() -> None:
    cipher = Xaes(os.urandom(32))
    nonces = [cipher.seal(b"", b"")[:NONCE] for _ in range(2 * EPOCH + 1)]
    assert list(Counter(nonce[:12] for nonce in nonces).values()) == [EPOCH, EPOCH, 1]
    assert len(set(nonces)) == len({nonce[12:] for nonce in nonces}) == 2 * EPOCH + 1


@pytest.mark.asvs("11.3.4", "11.5.2")
def test_threads_that_share_a_cipher_never_repeat_a_nonce() -> None:
    cipher = Xaes(os.urandom(32))
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: cipher.seal(str(number).encode(), b"aad"), range(3 * EPOCH)))
    assert len({cell[:NONCE] for cell in sealed}) == len(sealed)
    assert [cipher.open(cell, b"aad") for cell in sealed] == [str(number).encode() for number in range(3 * EPOCH)]


def first_half_of_a_nonce() -> bytes:
    return rings.sealer("fork.test.label", b"").cipher.seal(b"", b"")[:12]


@pytest.mark.asvs("11.3.4")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the child only seals and ends
def test_a_forked_child_begins_an_epoch_of_its_own() -> None:
    mine = first_half_of_a_nonce()
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:  # ends at once: what pytest and the test set-up do at exit is the parent's
        try:
            os.write(theirs, first_half_of_a_nonce())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert len({os.read(ours, 12), mine}) == 2
    assert first_half_of_a_nonce() == mine
    os.close(ours)
    os.close(theirs)


@given(sealed=st.binary(max_size=60))
def test_bytes_that_were_never_sealed_do_not_open(sealed: bytes) -> None:
    assert Xaes(bytes(31) + b"\x01").open(sealed, b"") is None


def test_the_overhead_of_thirty_bytes_is_48_and_64_with_a_tag() -> None:
    payload = NONCE + len(pad(b"\x01" + b"x" * 30)) + 16
    assert payload + BARE_HEADER - 30 == 48
    assert payload + TAGGED_HEADER - 30 == 64
