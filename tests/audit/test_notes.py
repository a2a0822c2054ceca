"""Signed notes: the form of C2SP, read by who made it first, and what is not ours refused."""

import json
import tracemalloc
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from apps.audit import notes
from apps.audit.errors import BadNote, NoSigningKey
from apps.audit.notes import Sealed, notes_in, opened, public_half, signed

VECTOR = json.loads((Path(notes.__file__).parent / "vectors" / "checkpoint-1.json").read_text())

# The example of golang.org/x/mod/sumdb/note, whose form this is.
PETER = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = "BgQoUBUUbI2E8kQzMPVAgOv5juF9nH3SJS/F1ccoMXM="
PETERS_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_NOTE = (
    f"{PETERS_TEXT}\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def ring(material: str, **more: Any) -> str:
    return json.dumps(
        {"0000000a": {"state": "primary", "created": "2026-01-01T00:00:00Z", "material": material} | more}
    )


def test_the_example_of_who_made_the_form_is_opened() -> None:
    public = json.dumps({"0000000a": {"state": "primary", "public": b64encode(notes.b64decode(PETER)[1:]).decode()}})
    with override_settings(AUDIT_ORIGIN="PeterNeumann", AUDIT_SIGNING_KEYS=public):
        assert opened(PETERS_NOTE) == PETERS_TEXT
        assert notes.ring()[0].verifier("PeterNeumann") == f"PeterNeumann+c74f20a3+{PETER}"


def test_a_checkpoint_is_signed_as_the_vector_says() -> None:
    with override_settings(AUDIT_ORIGIN=VECTOR["origin"], AUDIT_SIGNING_KEYS=ring(VECTOR["seed"])):
        sealed = Sealed(**VECTOR["says"] | {"root": bytes.fromhex(VECTOR["says"]["root"])})
        assert signed(sealed.text()) == VECTOR["note"]
        assert Sealed.read(VECTOR["note"]) == sealed
        assert notes.ring()[0].verifier(VECTOR["origin"]) == VECTOR["verifier"]


def checkpoint(**said: Any) -> str:
    return signed(Sealed(3, bytes(32), "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 3, **said).text())


@pytest.mark.asvs("16.4.2")
@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("\n3\n", "\n4\n", "wrong signature"),
        ("events 3", "events 2", "wrong signature"),
        ("\u2014 testserver", "\u2014 elsewhere", "unknown key"),
        ("\u2014 testserver/audit ", "\u2014 testserver/audit A", "unknown key"),
        ("\u2014 ", "- ", "malformed"),
    ],
)
def test_a_changed_note_is_refused_and_told_by_kind(old: str, new: str, kind: str) -> None:
    note = checkpoint()
    assert Sealed.read(note).events == 3
    with pytest.raises(BadNote) as refused:
        Sealed.read(note.replace(old, new, 1))
    assert refused.value.kind == kind


def test_a_signed_text_that_is_no_checkpoint_is_none() -> None:
    for text in ("testserver/audit/archive\n3\n", "testserver/audit\n3\n", "testserver/audit\nthree\nx\ntime x\n"):
        with pytest.raises(BadNote, match="no checkpoint"):
            Sealed.read(signed(text))


def test_a_checkpoint_of_another_log_is_none_of_this_one() -> None:
    with override_settings(AUDIT_ORIGIN="elsewhere/audit"):
        other = checkpoint()
    with pytest.raises(BadNote):
        Sealed.read(other)


def test_a_note_of_a_key_that_is_not_in_the_ring_is_unknown() -> None:
    with override_settings(AUDIT_SIGNING_KEYS=ring(PETERS_SEED)):
        other = checkpoint()
    with pytest.raises(BadNote, match="no key of AUDIT_SIGNING_KEYS has signed it"):
        Sealed.read(other)


@pytest.mark.asvs("11.2.2")
def test_what_a_key_signed_stays_proven_when_it_is_retired_and_destroyed() -> None:
    with override_settings(AUDIT_SIGNING_KEYS=ring(PETERS_SEED)):
        old = checkpoint()
    entries = json.loads(ring(VECTOR["seed"]))
    kept = {"state": "retired", "created": "2026-01-01T00:00:00Z", "material": PETERS_SEED}
    gone = {"state": "destroyed", "created": "2026-01-01T00:00:00Z", "public": public_half(PETERS_SEED)}
    for entry in (kept, gone):
        with override_settings(AUDIT_SIGNING_KEYS=json.dumps(entries | {"0000000b": entry})):
            assert Sealed.read(old).size == 3
            assert Sealed.read(checkpoint()).size == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"0000000a": {"state": "primary", "material": "AAAA"}}'])
def test_a_ring_that_can_not_be_read_says_how_to_make_one(text: str) -> None:
    with override_settings(AUDIT_SIGNING_KEYS=text), pytest.raises(NoSigningKey, match="keys generate audit"):
        signed("x\n")


def test_without_a_primary_key_nothing_is_signed() -> None:
    entry = {"state": "destroyed", "created": "2026-01-01T00:00:00Z", "public": public_half(PETERS_SEED)}
    gone = json.dumps({"0000000a": entry})
    with override_settings(AUDIT_SIGNING_KEYS=gone), pytest.raises(NoSigningKey, match="no primary key"):
        signed("x\n")


def test_notes_are_found_in_a_file_also_after_one_that_was_half_written(tmp_path: Path) -> None:
    first, second, path = checkpoint(), checkpoint(late=2), tmp_path / "kept"
    for between in ("", "\n"):
        path.write_text(f"\n{first}{between}{second}")
        assert list(notes_in(path)) == [first, second]
    for length in range(1, len(first.encode())):
        path.write_bytes(b"\n" + first.encode()[:length] + b"\n\n" + second.encode())
        assert list(notes_in(path))[-1] == second


def test_a_file_of_notes_is_read_as_it_goes(tmp_path: Path) -> None:
    note, path = checkpoint(), tmp_path / "kept"
    path.write_text(f"\n\n{note}" * 20_000)
    assert path.stat().st_size > 5_000_000
    tracemalloc.start()
    try:
        assert sum(each == note for each in notes_in(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 99, b"\n\n\n"])
def test_a_file_without_notes_holds_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    if content is not None:
        path.write_bytes(content)
    assert list(notes_in(path)) == []
