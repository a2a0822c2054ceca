"""Files are rotated, counted and verified as cells are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError
from django.test import TestCase

from apps.encryption import key_uses, rings
from tests.encryption.conftest import NEW, entry, ring
from tests.encryption.test_rotate import AFTER, BEFORE, run
from tests.testapp.models import Scan

pytestmark = pytest.mark.django_db

UseRings = Callable[..., None]


@pytest.fixture
def scans(tmp_path: Path, use_rings: UseRings, monkeypatch: pytest.MonkeyPatch) -> list[Scan]:
    """Three, one of them without a file, sealed with the old key."""
    monkeypatch.setattr(Scan._meta.get_field("file"), "storage", FileSystemStorage(tmp_path))
    use_rings(fields=BEFORE)
    made = [Scan.objects.create(title=name, file=ContentFile(name.encode(), name=f"{name}.txt")) for name in "ab"]
    made.append(Scan.objects.create(title="none"))
    use_rings(fields=AFTER)
    return made


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def read(title: str) -> bytes:
    with Scan.objects.get(title=title).file.open() as file:
        return bytes(file.read())


def rotate(*options: str) -> Any:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return json.loads(run("rotate", "testapp.Scan", "--json", *options))


def test_files_are_sealed_with_the_primary_key_and_the_old_ones_are_gone(
    scans: list[Scan], tmp_path: Path, use_rings: UseRings
) -> None:
    told = rotate()
    assert (told["failures"], told["left"]) == (0, 0)
    assert [head[6:10].hex() for head in files(tmp_path)] == ["0000000b"] * 2
    use_rings(fields=ring(k0000000b=entry(material=NEW)))
    assert (read("a"), read("b")) == (b"a", b"b")


def test_files_under_the_primary_key_stay_as_they_are(scans: list[Scan], tmp_path: Path) -> None:
    rotate()
    before = files(tmp_path)
    assert (rotate()["changed"], files(tmp_path)) == (0, before)


def test_a_dry_run_writes_no_file(scans: list[Scan], tmp_path: Path) -> None:
    before = files(tmp_path)
    assert rotate("--dry-run")["changed"] == 3 + 2  # rows of cells, and files
    assert files(tmp_path) == before


def test_a_key_that_only_a_file_needs_is_counted(scans: list[Scan]) -> None:
    run("rotate", "testapp.Scan.file_name")
    old, _ = rings.data_ring()
    assert key_uses.values_of_key(old) == 2
    columns = json.loads(run("status", "testapp.Scan.file", "--json"))["columns"]
    assert [(each["field"], each["key"], each["cells"]) for each in columns] == [("testapp.scan.file", "0000000a", 2)]


def test_a_missing_file_is_listed_and_the_rest_is_rotated(scans: list[Scan], tmp_path: Path) -> None:
    (tmp_path / str(Scan.objects.get(title="a").file.name)).unlink()
    for command in ("rotate", "verify"):
        with (
            pytest.raises(CommandError, match="1 cells can't be read"),
            TestCase.captureOnCommitCallbacks(execute=True),
        ):
            run(command, "testapp.Scan.file")
    assert [head[6:10].hex() for head in files(tmp_path)] == ["0000000b"]
    assert read("b") == b"b"


def test_verify_reads_every_file_to_its_end(scans: list[Scan], tmp_path: Path) -> None:
    assert json.loads(run("verify", "testapp.Scan.file", "--json"))["changed"] == 2
    path = tmp_path / str(Scan.objects.get(title="a").file.name)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(CommandError, match="1 cells can't be read"):
        run("verify", "testapp.Scan.file")
