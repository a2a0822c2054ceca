"""`manage.py keys` makes rings and shows them, never their material."""

import io
import json
import os
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from apps.encryption.keyring import new_ring, validate


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keys", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(("ring", "setting"), [("fields", "FIELD_ENCRYPTION_KEYS"), ("indexes", "FIELD_INDEX_KEYS")])
def test_generate_writes_a_ring_for_its_owner_and_says_what_to_do_next(tmp_path: Path, ring: str, setting: str) -> None:
    path = tmp_path / "ring.json"
    said = run("generate", ring, "--file", str(path))
    text = path.read_text()
    assert validate(text, index=True) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"{setting}_FILE={path}" in said
    assert next(iter(json.loads(text).values()))["material"] not in said


def test_generate_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    path.write_text("kept")
    with pytest.raises(CommandError, match="exists, and a key is never overwritten"):
        run("generate", "fields", "--file", str(path))
    assert path.read_text() == "kept"


def test_generate_says_why_a_file_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="can't be written"):
        run("generate", "fields", "--file", str(tmp_path / "file" / "ring.json"))


def test_generate_knows_the_rings_of_the_settings_only(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("generate", "doors", "--file", str(tmp_path / "ring.json"))


def test_status_lists_each_key_without_its_material() -> None:
    text = new_ring()
    ((key_id, entry),) = json.loads(text).items()
    with override_settings(FIELD_ENCRYPTION_KEYS=text):
        said = run("status")
    assert f"{key_id}  primary" in said
    assert "fields (FIELD_ENCRYPTION_KEYS)" in said
    assert "indexes (FIELD_INDEX_KEYS)" in said
    assert entry["material"] not in said


@pytest.mark.parametrize(("text", "why"), [("", "is not set"), ("{}", "holds no key")])
def test_status_says_what_is_wrong_and_fails(text: str, why: str) -> None:
    out = io.StringIO()
    with override_settings(FIELD_INDEX_KEYS=text), pytest.raises(CommandError, match="Not usable: indexes"):
        call_command("keys", "status", stdout=out)
    assert why in out.getvalue()


def test_generated_keys_differ(tmp_path: Path) -> None:
    for name in "ab":
        run("generate", "fields", "--file", os.fspath(tmp_path / name))
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()
