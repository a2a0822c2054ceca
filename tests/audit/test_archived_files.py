"""An archive by itself: an auditor verifies it without the site, and whatever was done to it is found."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import override_settings

from apps.audit import notes
from apps.audit.models import Event
from apps.audit.verification import verify_export
from tests.audit.test_archiving import archive, audit, log, the_file
from tests.audit.test_notes import PETERS_SEED, ring
from tests.project.tree import ROOT

__all__ = ["log"]
pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]

VERIFIER = ROOT / "docs" / "reference" / "verify_export.py"


def outside(path: Path, *verifiers: str) -> subprocess.CompletedProcess[str]:
    """As an auditor runs it: another process that knows nothing of the site."""
    command = [sys.executable, "-I", str(VERIFIER), str(path), *verifiers]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={})


def verifier() -> str:
    return notes.ring()[0].verifier(notes.origin())


def test_an_auditor_verifies_the_file_without_the_site(log: list[Event], tmp_path: Path) -> None:
    with override_settings(AUDIT_HOLDS=[{"id": log[4].pk}]):
        archive(tmp_path / ".")
    archive(tmp_path)
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == ["audit-0-3.jsonl.gz", "audit-3-7.jsonl.gz"]
    for path, count in zip(paths, (3, 4), strict=True):
        done = outside(path, verifier())
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{count} events: intact\n", "")
        assert f"{count} events" in audit("verify", "--export", str(path))


def edited(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"to\\":1', b'"to\\":9') for line in lines]


def edited_with_a_new_digest(lines: list[bytes]) -> list[bytes]:
    from apps.audit import canonical

    entry = json.loads(lines[2])
    entry["event"]["ip"] = "6.6.6.6"
    entry["event"]["digest"] = canonical.digest(entry["event"][name] for name in Event.COLUMNS)
    return [*lines[:2], json.dumps(entry).encode() + b"\n", *lines[3:]]


def changed(lines: list[bytes], name: str, value: Any) -> list[bytes]:
    entry = json.loads(lines[2])
    entry["event"][name] = value
    return [*lines[:2], json.dumps(entry).encode() + b"\n", *lines[3:]]


FORGERIES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edited": edited,
    "edited with a new digest": edited_with_a_new_digest,
    "one event taken out": lambda lines: lines[:2] + lines[3:],
    "two events swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "one event twice": lambda lines: [*lines[:2], lines[1], *lines[2:]],
    "cut off within a period": lambda lines: lines[:-2],
    "another signature": lambda lines: [*lines[:-1], re.sub(rb"(audit )[^\\ ]{12}", rb"\1AAAAAAAAAAAA", lines[-1])],
    "another root": lambda lines: [*lines[:-1], re.sub(rb"\\n[^\\]{44}\\n", rb"\\n" + b"A" * 43 + rb"=\\n", lines[-1])],
    "another start": lambda lines: [lines[0].replace(b'"size":0', b'"size":1'), *lines[1:]],
    "no archive at all": lambda lines: [b"[]\n"],
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_file_is_refused_inside_and_outside(name: str, log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    path = the_file(tmp_path)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    forged = FORGERIES[name](list(lines))
    assert forged != lines
    path.write_bytes(gzip.compress(b"".join(forged)))
    done = outside(path, verifier())
    assert done.returncode == 1
    assert "intact" not in done.stdout
    assert "Traceback" not in done.stderr
    with pytest.raises(CommandError, match=r"problems|can't be verified"):
        audit("verify", "--export", str(path))


@pytest.mark.parametrize("column", ["id", "schema", "ip", "details", "digest"])
@pytest.mark.parametrize("value", [1, None, ["x"], {}], ids=repr)
def test_a_column_that_is_no_text_is_named_inside_and_outside(
    column: str, value: Any, log: list[Event], tmp_path: Path
) -> None:
    archive(tmp_path)
    path = the_file(tmp_path)
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(changed(lines, column, value))))
    done = outside(path, verifier())
    assert "at position 1 was changed or moved" in done.stderr
    with gzip.open(path) as opened:
        found = verify_export(opened).findings
    where = str(value) if column == "id" else json.loads(lines[2])["event"]["id"]
    assert ("event changed", where) in [(finding.kind, finding.where) for finding in found]


def test_a_file_signed_with_another_key_is_refused(log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    with override_settings(AUDIT_SIGNING_KEYS=ring(PETERS_SEED)):
        assert "none of the keys" in outside(the_file(tmp_path), verifier()).stderr
        with pytest.raises(CommandError, match="problems"):
            audit("verify", "--export", str(the_file(tmp_path)))


def test_a_torn_file_is_refused(log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    path = the_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "not verified" in outside(path, verifier()).stderr
    with pytest.raises(CommandError, match="can't be verified"):
        audit("verify", "--export", str(path))


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: gzip.compress(gzip.decompress(held).replace(b'{"position":0', b'[{"position":0', 1)),
        lambda held: gzip.compress(gzip.decompress(held).replace(b'"event":{', b'"event":7,"x":{', 1)),
        lambda held: held[:20] + b"\xff" * 8 + held[28:],
        lambda held: gzip.compress(b'{"log":"x","size":1,"frontier":"' + b"0" * 64 + b'","checkpoint":null}\n'),
    ],
    ids=["a line", "an event", "its compression", "its first line"],
)
def test_a_damaged_file_is_told_of_in_words(damage: Callable[[bytes], bytes], log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    path = the_file(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert outside(path, verifier()).stderr.startswith("not verified: ")
    with pytest.raises(CommandError, match="can't be verified"):
        audit("verify", "--export", str(path))


def test_the_verifier_can_be_read_in_one_sitting() -> None:
    assert len(VERIFIER.read_text().splitlines()) <= 100
