"""A ring is refused with all that is wrong with it, and nothing ever shows material."""

import json
import os
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.encryption.errors import KeyringError, KeyUnavailable
from apps.encryption.keyring import Keyring, State, new_ring, validate, write_new_ring
from tests.encryption.conftest import entry, ring

SECRET = os.urandom(32)
SECRET_TEXT = b64encode(SECRET).decode()


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in entry(material=SECRET).items() if member != name}


GOOD = entry(material=SECRET)
BAD = [
    ("", "not JSON"),
    ("{", "not JSON"),
    (f"material={SECRET_TEXT}", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("{}", "holds no key"),
    ("[1]", "holds no key"),
    ('"text"', "holds no key"),
    (f'{{"0000000a": {json.dumps(GOOD)}, "0000000a": {json.dumps(GOOD)}}}', "0000000a is there twice"),
    (json.dumps({"0000000a": 1}), "is not an object"),
    (json.dumps({"0000000A": GOOD}), "8 lower-case hexadecimal"),
    (json.dumps({SECRET_TEXT: GOOD}), "8 lower-case hexadecimal"),
    (json.dumps({"0000000a": GOOD | {"secret": SECRET_TEXT}}), "members other than"),
    (ring(k0000000a=GOOD | {"state": "active"}), "state is not one of primary, decrypt-only, retired, destroyed"),
    (ring(k0000000a=GOOD | {"state": ["primary"]}), "state is not one of"),
    (ring(k0000000a=without("state")), "state is not one of"),
    (ring(k0000000a=without("created")), "created is not a time"),
    (ring(k0000000a=GOOD | {"created": "2026-01-31T12:00:00"}), "created is not a time with zone"),
    (ring(k0000000a=GOOD | {"changed": "x"}), "changed is not a time with zone"),
    (ring(k0000000a=GOOD | {"retired": "2026-01-31"}), "retired is not a time with zone"),
    (ring(k0000000a=GOOD | {"number": 0}), "whole number from 1"),
    (ring(k0000000a=GOOD | {"number": True}), "whole number from 1"),
    (ring(k0000000a=without("material")), "not base64"),
    (ring(k0000000a=GOOD | {"material": SECRET.hex()}), "has 48 bytes instead of 32"),
    (ring(k0000000a=GOOD | {"material": "Äü" + SECRET_TEXT}), "not base64"),
    (ring(k0000000a=GOOD | {"material": b64(SECRET[:16])}), "has 16 bytes instead of 32"),
    (ring(k0000000a=GOOD | {"material": b64(bytes(32))}), "all zero"),
    (ring(k0000000a=GOOD | {"material": b64(b"changeme" * 4)}), "not random"),
    (ring(k0000000a=GOOD | {"state": "decrypt-only"}), "No key is primary"),
    (ring(k0000000a=entry(), k0000000b=entry()), "2 keys are primary"),
    (ring(k0000000a=GOOD, k0000000b=GOOD | {"state": "retired"}), "same material"),
    (ring(k0000000a=entry(), k0000000b=GOOD | {"state": "destroyed"}), "material is still there"),
]


@pytest.mark.asvs("13.2.3")
@pytest.mark.parametrize(
    ("text", "problem"), BAD, ids=[f"{number}-{problem}" for number, (_, problem) in enumerate(BAD)]
)
def test_a_bad_ring_is_refused_in_plain_words_without_its_material(text: str, problem: str) -> None:
    problems = " ".join(validate(text))
    assert problem in problems
    assert SECRET_TEXT not in problems
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text, name="FIELD_ENCRYPTION_KEYS")
    assert "FIELD_ENCRYPTION_KEYS" in str(refused.value)
    assert SECRET_TEXT not in repr(refused.value)


def test_all_problems_are_told_at_once_with_the_name_of_the_setting() -> None:
    text = ring(k0000000a=GOOD | {"state": "x", "created": 1}, k0000000b=entry() | {"material": "!"})
    problems = validate(text)
    assert len(problems) == 3
    with pytest.raises(KeyringError) as refused:
        Keyring.parse(text, name="FIELD_INDEX_KEYS")
    assert all(problem in str(refused.value) for problem in ("FIELD_INDEX_KEYS", *problems))


@given(
    text=st.text()
    | st.recursive(st.none() | st.text() | st.integers(), lambda s: st.dictionaries(st.text(), s)).map(json.dumps)
)
def test_any_text_is_judged_without_a_crash(text: str) -> None:
    assert validate(text)


def test_index_roots_may_be_two_if_a_cell_can_tell_them_apart() -> None:
    def two(number: int, state: str = "decrypt-only") -> str:
        return ring(k0000000a=entry(number=1), k0000000b=entry(state, number=number))

    assert validate(two(2), index=True) == []
    assert "odd" in validate(two(3), index=True)[0]
    assert validate(two(3, "retired"), index=True) == []
    assert validate(two(3)) == []


def test_a_number_may_be_left_out() -> None:
    assert validate(ring(k0000000a=without("number")), index=True) == []
    assert Keyring.parse(ring(k0000000a=without("number")), name="x").primary.number == 1


@pytest.mark.parametrize("state", [State.RETIRED, State.DESTROYED])
def test_a_key_past_its_life_opens_nothing(state: State) -> None:
    key = (
        entry(state) if state is State.RETIRED else {name: v for name, v in entry(state).items() if name != "material"}
    )
    keys = Keyring.parse(ring(k0000000a=entry(), k0000000b=key), name="x")
    with pytest.raises(KeyUnavailable, match=f"Key 0000000b is {state}"):
        keys.to_open(bytes.fromhex("0000000b"))


def test_a_key_that_is_not_in_the_ring_is_named() -> None:
    with pytest.raises(KeyUnavailable, match="Key 0000000c is not in the ring"):
        Keyring.parse(ring(k0000000a=entry()), name="x").to_open(bytes.fromhex("0000000c"))


def test_the_primary_key_is_the_first_of_the_live_ones() -> None:
    text = ring(k0000000a=entry("decrypt-only"), k0000000b=entry(), k0000000c=entry("retired"))
    assert [key.id for key in Keyring.parse(text, name="x").live] == ["0000000b", "0000000a"]


def test_a_key_does_not_show_its_material() -> None:
    key = Keyring.parse(ring(k0000000a=GOOD), name="x").primary
    assert key.material == SECRET
    assert "material" not in repr(key)
    assert repr(SECRET)[2:-1] not in repr(key)


@pytest.mark.asvs("11.5.1")
def test_new_rings_are_valid_and_never_alike() -> None:
    rings = [new_ring() for _ in range(50)]
    assert [validate(text, index=True) for text in rings] == [[]] * 50
    assert len({key.material for text in rings for key in Keyring.parse(text, name="x")}) == 50


def test_a_ring_file_is_for_its_owner_only_and_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "fields.json"
    key_id = write_new_ring(path)
    assert Keyring.parse(path.read_text(), name="x").primary.id == key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_ring_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "fields.json"
    write_new_ring(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="never overwritten"):
        write_new_ring(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_keyring_is_imported_without_django() -> None:
    code = "import sys, apps.encryption.keyring; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
