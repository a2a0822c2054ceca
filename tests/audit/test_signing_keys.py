"""The life of a signing key, by `manage.py keys`: what it signed stays proven, to the end and beyond."""

import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from apps.audit import notes
from apps.audit.checks import seals_can_be_signed
from apps.audit.models import Checkpoint
from apps.audit.notes import public_half
from apps.audit.verification import verify
from apps.encryption import sources
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


@pytest.fixture
def public(tmp_path: Path) -> Path:
    return tmp_path / "public.json"


def test_the_public_halves_of_a_ring_keep_all_but_the_material(public: Path) -> None:
    text = str.__str__(settings.AUDIT_SIGNING_KEYS)
    said = keys("public", "audit", "--file", str(public))
    assert "AUDIT_SIGNING_KEYS_FILE" in said
    assert public.stat().st_mode & 0o777 == 0o600
    ((key_id, entry),) = json.loads(text).items()
    half = entry | {"public": public_half(entry["material"])}
    del half["material"]
    assert json.loads(public.read_text()) == {key_id: half}
    with override_settings(AUDIT_SIGNING_KEYS=public.read_text()):
        assert "public half only" in keys("status")
        keys("public", "audit", "--file", str(public))  # made anew over itself, as after each change
    assert json.loads(public.read_text()) == {key_id: half}


def test_public_halves_never_overwrite_keys(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    for kept in (str.__str__(settings.AUDIT_SIGNING_KEYS), '{"source": "aws-kms", "wrapped": "AQIC"}', "\x00"):
        path.write_text(kept)
        with pytest.raises(CommandError, match="is no ring of public halves, so it is not overwritten"):
            keys("public", "audit", "--file", str(path))
        assert path.read_text() == kept


def test_only_signing_keys_have_a_public_half(public: Path) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        keys("public", "fields", "--file", str(public))
    keys("public", "audit", "--file", str(public))
    for index in (False, True):
        assert "only its public half is here" in sources.validate(public.read_text(), index=index)[0]
    assert sources.validate(public.read_text(), public=True) == []
    (entry,) = json.loads(public.read_text()).values()
    short = json.dumps({"0000000a": entry | {"public": "AAAA"}})
    assert "is not base64 of 32 bytes" in sources.validate(short, public=True)[0]


def test_a_key_is_changed_only_where_its_material_is(public: Path) -> None:
    keys("public", "audit", "--file", str(public))
    with pytest.raises(CommandError, match="Name the ring that holds its material"):
        keys("add", "audit", "--file", str(public))


def test_after_each_change_the_public_halves_are_to_be_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    path.write_text(str.__str__(settings.AUDIT_SIGNING_KEYS))
    assert "manage.py keys public audit" in keys("add", "audit", "--file", str(path))
