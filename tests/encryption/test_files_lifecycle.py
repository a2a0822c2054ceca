"""A stored file goes with its row, is copied with it, and is sealed anew without losing an update."""

import copy
import pickle  # noqa: TID251 - what the cache and queues of Django do with an instance is what is tested
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.files.base import ContentFile
from django.db import connection, models, transaction

from apps.encryption.errors import EncryptionError, OpenFailed
from apps.encryption.file_lifecycle import key_id, reseal, verify
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.encryption.scans import PLAIN, fresh, make, read, stored
from tests.testapp.models import Scan, ScanPage, ScanProxy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

UseRings = Callable[..., None]
Failures = list[dict[str, Any]]


# Assigned, replaced, taken away


Commits = Callable[[], Any]


@pytest.fixture
def committing(django_capture_on_commit_callbacks: Any) -> Commits:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_replaced_file_goes_when_the_change_is_committed(folder: Path, committing: Commits) -> None:
    scan = fresh(make(b"old"))
    with committing():
        scan.file = ContentFile(b"new", "b.pdf")
        scan.save()
        assert len(stored(folder)) == 2
    assert len(stored(folder)) == 1
    assert read(fresh(scan)) == b"new"
    assert fresh(scan).file_name == "b.pdf"


def test_a_rolled_back_change_keeps_the_old_file(folder: Path, committing: Commits) -> None:
    scan = make(b"old")
    with committing(), transaction.atomic():
        other = fresh(scan)
        other.file = ContentFile(b"new", "b.pdf")
        other.save()
        transaction.set_rollback(True)
    assert read(fresh(scan)) == b"old"


def test_saving_again_keeps_the_file(folder: Path, committing: Commits) -> None:
    scan = make()
    with committing():
        for _ in range(2):
            scan.title += "y"
            scan.save()
            scan.refresh_from_db()
            scan.full_clean()
            scan.file = scan.file
            scan.file = fresh(scan).file
            scan.save()
            scan.file = str(scan.file.name)
    assert read(fresh(scan)) == PLAIN
    with committing():
        scan.file.save("c.pdf", ContentFile(b"c"))
        scan.save()
    assert len(stored(folder)) == 1
    assert read(fresh(scan)) == b"c"


def test_of_two_that_replace_it_one_after_the_other_one_file_is_left(folder: Path, committing: Commits) -> None:
    scan = make()
    one, other = fresh(scan), fresh(scan)
    with committing():
        one.file = ContentFile(b"one", "b.pdf")
        other.file = ContentFile(b"other", "b.pdf")
        one.save()
        other.save()
    assert read(fresh(scan)) == b"other"
    assert len(stored(folder)) == 1


@pytest.mark.parametrize("value", [None, ""])
def test_an_emptied_field_loses_its_file(value: Any, folder: Path, committing: Commits) -> None:
    scan = fresh(make())
    with committing():
        scan.file = value
        scan.save()
    assert not fresh(scan).file
    assert fresh(scan).file_name == ""
    assert stored(folder) == []


def test_delete_waits_for_the_commit(folder: Path, committing: Commits) -> None:
    scan = fresh(make())
    with committing():
        scan.file.delete()
        assert len(stored(folder)) == 1
    assert stored(folder) == []
    assert not fresh(scan).file


@pytest.mark.parametrize("model", [Scan, ScanProxy])
def test_a_deleted_row_takes_its_file_along(model: type[Scan], folder: Path, committing: Commits) -> None:
    make()
    make()
    with committing():
        model.objects.all()[0].delete()
    assert len(stored(folder)) == 1
    with committing():
        model.objects.all().delete()
    assert stored(folder) == []


def test_a_cascade_takes_files_along_and_a_deferred_one_too(folder: Path, committing: Commits) -> None:
    scan = make()
    ScanPage.objects.create(scan=scan, number=1, file=ContentFile(b"page", "1"))
    assert len(stored(folder)) == 2
    with committing():
        Scan.objects.only("title").get(pk=scan.pk).delete()
    assert stored(folder) == []


def test_a_copied_row_gets_a_copy_of_the_file(folder: Path, committing: Commits) -> None:
    scan = make()
    twin = fresh(scan)
    twin.pk, twin._state.adding = uuid.uuid4(), True
    with committing():
        twin.save()
        scan.delete()
    assert read(fresh(twin)) == PLAIN
    assert len(stored(folder)) == 1


def test_a_copied_instance_does_not_share_its_file(folder: Path) -> None:
    scan = make()
    twin = copy.copy(scan)
    twin.pk, twin._state.adding = uuid.uuid4(), True
    twin.save()
    assert scan.file.name != twin.file.name
    assert read(scan) == read(twin) == PLAIN


def test_the_file_of_another_row_is_copied(folder: Path) -> None:
    scan, other = make(b"a"), make(b"b", "b.pdf")
    scan.file = other.file
    scan.save()
    assert read(fresh(scan)) == read(fresh(other)) == b"b"
    assert fresh(scan).file.name != other.file.name


@pytest.mark.asvs("11.3.3")
def test_the_name_of_another_rows_file_is_not_taken(folder: Path) -> None:
    scan, other = make(b"a"), make(b"b")
    scan.file = other.file.name
    with pytest.raises(OpenFailed):
        scan.save()
    with pytest.raises(OpenFailed):
        Scan.objects.create(file=other.file.name)


def test_update_can_not_set_a_file(folder: Path) -> None:
    scan = make()
    for value in ("scans/a", ContentFile(b"x", "a.pdf"), models.F("title"), models.Value("x")):
        with pytest.raises(FieldError, match="save"), transaction.atomic():
            Scan.objects.update(file=value)
    scan.file = ContentFile(b"x", "a.pdf")
    with pytest.raises(FieldError, match="save"), transaction.atomic():
        Scan.objects.bulk_update([scan], ["file"])
    assert read(fresh(scan)) == PLAIN


def test_an_upsert_can_not_write_a_file(folder: Path) -> None:
    scan = Scan(file=ContentFile(b"x", "a.pdf"))
    with pytest.raises(FieldError, match="encrypted file"):
        Scan.objects.bulk_create([scan], update_conflicts=True, update_fields=["file"], unique_fields=["id"])


def test_a_pickle_holds_no_plaintext_and_opens_again(folder: Path) -> None:
    scan = fresh(make())
    read(scan)
    dumped = pickle.dumps(scan)
    assert b"MARKER" not in dumped
    assert read(pickle.loads(dumped)) == PLAIN
    with pytest.raises(EncryptionError, match="before it is saved"):
        pickle.dumps(Scan(file=ContentFile(PLAIN, "a.pdf")))


# What commands use


def test_a_file_is_sealed_anew_under_the_primary_key(folder: Path, use_rings: UseRings, committing: Commits) -> None:
    use_rings(fields=ring(k0000000a=entry(material=OLD)))
    scan = make()
    use_rings(fields=ring(k0000000a=entry("decrypt-only", OLD), k0000000b=entry(material=NEW)))
    field: Any = Scan._meta.get_field("file")
    assert key_id(fresh(scan).file) == "0000000a"
    with committing():
        assert reseal(scan, field, using="default")
    assert key_id(fresh(scan).file) == key_id(scan.file) == "0000000b"
    assert verify(fresh(scan).file) == len(PLAIN)
    assert len(stored(folder)) == 1
    assert fresh(scan).file_name == "scan.pdf"


def test_sealing_anew_loses_no_update(folder: Path, committing: Commits) -> None:
    scan = fresh(make())
    with committing():
        fresh(scan).file.save("b.pdf", ContentFile(b"newer"))
        assert not reseal(scan, Scan._meta.get_field("file"), using="default")
    assert read(fresh(scan)) == b"newer"
    assert len(stored(folder)) == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
@pytest.mark.django_db(transaction=True)
def test_of_two_that_replace_it_at_once_one_file_is_left(folder: Path) -> None:
    scan, meet = make(), threading.Barrier(2)

    def replace(content: bytes) -> None:
        try:
            with transaction.atomic():
                mine = fresh(scan)
                mine.file = ContentFile(content, "b.pdf")
                meet.wait(10)
                mine.save()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(replace, [b"one", b"two"]))
    assert len(stored(folder)) == 1
    assert read(fresh(scan)) in (b"one", b"two")
