"""The life of a signing key, by `manage.py keys`: what it signed stays proven, to the end and beyond."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from apps.audit import notes
from apps.audit.checks import seals_can_be_signed
from apps.audit.models import Checkpoint
from apps.audit.verification import verify
from apps.encryption.keyring import validate
from tests.audit.sealed import happen, seal

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("11.1.1", "11.2.2")]


def keys(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keys", *arguments, stdout=out)
    return out.getvalue()


def test_a_signing_key_is_rotated_and_destroyed_and_all_that_it_signed_still_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.json"
    keys("generate", "audit", "--file", str(path))
    monkeypatch.setenv("AUDIT_SIGNING_KEYS_FILE", str(path))
    (old,) = json.loads(path.read_text())
    signers = []

    def sealed_and_verified() -> None:
        with override_settings(AUDIT_SIGNING_KEYS=path.read_text()):
            happen(2)
            seal()
            note = Checkpoint.objects.latest("size").note
            signers.append(note.rpartition(" ")[2][:5])
            assert verify().findings == []

    sealed_and_verified()
    keys("add", "audit")
    new = next(key for key in json.loads(path.read_text()) if key != old)
    for step in (("promote", new), ("retire", old)):
        with override_settings(AUDIT_SIGNING_KEYS=path.read_text()):
            said = keys(step[0], "audit", step[1])
        assert "encryption rotate" not in said
        sealed_and_verified()
    with override_settings(AUDIT_SIGNING_KEYS=path.read_text()):
        keys("destroy", "audit", old, "--retention-days", "0")
    assert json.loads(path.read_text())[old].keys() >= {"state", "public"}
    assert "material" not in json.loads(path.read_text())[old]
    assert validate(path.read_text()) == []
    sealed_and_verified()
    assert len(set(signers)) == 2
    with override_settings(AUDIT_SIGNING_KEYS=path.read_text()):
        assert f"{old}  destroyed" in keys("status")
        assert len(notes.ring()) == 2


def test_a_ring_that_can_not_sign_stops_the_start() -> None:
    assert seals_can_be_signed() == []
    with override_settings(AUDIT_SIGNING_KEYS="{}"):
        (problem,) = seals_can_be_signed()
    assert problem.id == "audit.E004"


def test_a_wrapped_ring_is_unwrapped_by_who_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = notes.ring()
    with override_settings(AUDIT_SIGNING_KEYS="wrapped", AUDIT_UNWRAP=f"{__name__}.unwrap"):
        assert [key.id for key in notes.ring()] == ["0000000a"]
    assert notes.ring() == plain


def unwrap(name: str, text: str) -> str:
    from tests.audit.test_notes import PETERS_SEED, ring

    assert (name, text) == ("AUDIT_SIGNING_KEYS", "wrapped")
    return ring(PETERS_SEED)
