"""An encrypted file is sealed for its row as it is stored, opens there only, and goes when its row does."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.db import models, transaction
from django.db.models.fields.files import FieldFile

from apps.encryption.cobblestone import CHUNK
from apps.encryption.errors import KeyUnavailable, NotSealed, OpenFailed, TooLarge, UnknownFormat
from apps.encryption.file_lifecycle import key_id
from apps.encryption.files import EncryptedFileField, StoredName
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.encryption.scans import PLAIN, fresh, make, read, stored
from tests.testapp.models import Scan, ScanPage, UnboundScan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

UseRings = Callable[..., None]
Failures = list[dict[str, Any]]


# Stored and read


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 150_000])
def test_a_file_is_read_as_it_was_stored(size: int, folder: Path) -> None:
    content = os.urandom(size)
    scan = fresh(make(content))
    assert read(scan) == content
    assert scan.file.size == size
    with scan.file.open():
        assert b"".join(scan.file.chunks()) == content


@pytest.mark.asvs("5.3.2", "14.2.4")
def test_neither_content_nor_name_is_in_the_storage(folder: Path) -> None:
    scan = make(name="MARKER of Ann.pdf")
    [path] = stored(folder)
    assert b"MARKER" not in path.read_bytes()
    assert path.read_bytes()[:6] == b"RMPF\x01\x00"
    assert len(path.name) == 32
    assert path.parent == folder / "scans"
    assert fresh(scan).file.name == f"scans/{path.name}"


def test_the_name_is_kept_encrypted_in_the_field_that_was_named(folder: Path) -> None:
    scan = make(name="of Ann.pdf")
    assert fresh(scan).file_name == "of Ann.pdf"
    scan.file.save("/a/folder/and a name that is too long.pdf", ContentFile(b"x"))
    assert fresh(scan).file_name == "e that is too long.pdf"[-20:]
    assert read(fresh(scan)) == b"x"


def test_the_same_content_is_never_the_same_in_the_storage(folder: Path) -> None:
    make()
    make()
    one, other = (path.read_bytes() for path in stored(folder))
    assert one[66:] != other[66:]


def test_a_part_is_read_without_the_rest(folder: Path) -> None:
    with fresh(make()).file.open() as file:
        assert file.seek(CHUNK + 5) == CHUNK + 5
        assert file.read(40) == PLAIN[CHUNK + 5 : CHUNK + 45]


def test_a_closed_file_can_be_opened_again(folder: Path) -> None:
    scan = make()
    assert read(scan) == read(scan) == PLAIN
    assert scan.file.closed


def test_a_stored_file_is_not_changed_in_place(folder: Path) -> None:
    scan = make()
    with pytest.raises(ValueError, match="Save a new one"):
        scan.file.open("wb")
    with scan.file.open(), pytest.raises(ValueError, match="Save a new one"):
        scan.file.open("r+b")


def test_there_is_no_url_and_no_path(folder: Path) -> None:
    scan = make()
    with pytest.raises(AttributeError, match="download"):
        _ = scan.file.url
    with pytest.raises(NotImplementedError):
        _ = scan.file.path


def test_an_empty_field_holds_no_file(folder: Path) -> None:
    scan = fresh(Scan.objects.create())
    assert not scan.file
    with pytest.raises(ValueError, match="no file"):
        scan.file.open_reader()


def test_bulk_create_stores_files(folder: Path) -> None:
    scans = Scan.objects.bulk_create([Scan(file=ContentFile(b"%d" % number, "a.pdf")) for number in range(3)])
    assert [read(fresh(scan)) for scan in scans] == [b"0", b"1", b"2"]


def test_a_deferred_file_is_loaded_when_it_is_asked_for(folder: Path) -> None:
    assert read(Scan.objects.defer("file").get(pk=make().pk)) == PLAIN


def test_a_row_without_key_of_its_own_may_be_left_unbound(folder: Path) -> None:
    scan = UnboundScan.objects.create(file=ContentFile(PLAIN, "a"))
    assert read(UnboundScan.objects.get(pk=scan.pk)) == PLAIN


# Bound


@pytest.mark.asvs("11.3.3")
def test_a_file_is_bound_to_the_columns_that_are_named(folder: Path) -> None:
    scan = make()
    one, two = (ScanPage.objects.create(scan=scan, number=number, file=ContentFile(b"page", "p")) for number in (1, 2))
    assert read(ScanPage.objects.get(pk=one.pk)) == read(ScanPage.objects.only("file").get(pk=two.pk)) == b"page"
    ScanPage.objects.filter(pk=one.pk).update(number=2)
    with pytest.raises(OpenFailed):
        ScanPage.objects.get(pk=one.pk).file.open()
    two.number = 3
    two.save()
    assert read(ScanPage.objects.get(pk=two.pk)) == b"page"


def put_under(target: Scan, source: Scan) -> None:
    """What a database writer can do."""
    Scan.objects.filter(pk=target.pk).update(file=StoredName(source.file.name))


@pytest.mark.asvs("11.3.3")
def test_a_file_of_another_row_is_refused(folder: Path, failures: Failures) -> None:
    one, other = make(b"one"), make(b"other")
    put_under(one, other)
    with pytest.raises(OpenFailed, match=str(one.pk)):
        fresh(one).file.open()
    assert [(sent["target"], sent["reason"], sent["details"]["label"]) for sent in failures] == [
        (one, "OpenFailed", "testapp.scan.file")
    ]


@pytest.mark.asvs("11.3.3")
def test_a_file_of_another_field_is_refused(folder: Path) -> None:
    scan, unbound = make(), UnboundScan.objects.create(file=ContentFile(b"x", "a"))
    (folder / str(scan.file.name)).write_bytes((folder / str(unbound.file.name)).read_bytes())
    with pytest.raises(OpenFailed):
        fresh(scan).file.open()


@pytest.mark.asvs("11.3.3", "11.2.5")
@pytest.mark.parametrize("place", [70, 66 + CHUNK + 20, -1])
def test_a_flipped_byte_is_refused_and_told_of_once(place: int, folder: Path, failures: Failures) -> None:
    scan = make()
    [path] = stored(folder)
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(OpenFailed), fresh(scan).file.open() as file:
            file.read()
    assert len(failures) == 2
    assert failures[0]["details"]["key_id"] == key_id(fresh(scan).file)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"plain text that somebody put there", NotSealed),
        (b"RMPF", NotSealed),
        (b"", NotSealed),
        (b"RMPF\x02\x00" + bytes(100), UnknownFormat),
        (b"RMPF\x01\x01" + bytes(100), UnknownFormat),
        (b"RMPF\x01\x00\xff\xff\xff\xff" + bytes(100), KeyUnavailable),
    ],
)
def test_what_was_never_sealed_is_refused(
    content: bytes, error: type[Exception], folder: Path, failures: Failures
) -> None:
    scan = make()
    (folder / str(scan.file.name)).write_bytes(content)
    with pytest.raises(error):
        fresh(scan).file.open()
    assert [sent["reason"] for sent in failures] == [error.__name__]


def test_a_cut_file_has_no_size_and_is_refused(folder: Path) -> None:
    scan = make()
    path = folder / str(scan.file.name)
    path.write_bytes(path.read_bytes()[: 10 + 56 + CHUNK + 16])
    with pytest.raises(OpenFailed):
        fresh(scan).file.open()
    with pytest.raises(OpenFailed):
        _ = fresh(scan).file.size


def test_a_missing_file_is_told_of(folder: Path, failures: Failures) -> None:
    scan = make()
    (folder / str(scan.file.name)).unlink()
    with pytest.raises(FileNotFoundError):
        fresh(scan).file.open()
    assert [sent["reason"] for sent in failures] == ["FileNotFoundError"]


def test_a_retired_key_opens_nothing(folder: Path, use_rings: UseRings) -> None:
    use_rings(fields=ring(k0000000a=entry(material=OLD)))
    scan = make()
    use_rings(fields=ring(k0000000a=entry("retired", OLD), k0000000b=entry(material=NEW)))
    with pytest.raises(KeyUnavailable):
        fresh(scan).file.open()


# Refused


def test_a_repr_does_not_tell_the_name_of_an_upload(folder: Path) -> None:
    scan = Scan(file=ContentFile(b"x", "of Ann.pdf"))
    assert repr(scan.file) == "<EncryptedFieldFile: not stored>"
    scan.save()
    assert repr(scan.file) == f"<EncryptedFieldFile: {scan.file.name}>"
    assert repr(scan.file.open()).startswith("<EncryptedFieldFile: scans/")
    scan.file.close()


@pytest.mark.asvs("5.2.1")
def test_a_larger_file_than_allowed_is_refused_before_it_is_stored(folder: Path) -> None:
    with pytest.raises(TooLarge), transaction.atomic():
        make(bytes(200_001))
    scan = Scan(title="x", file=ContentFile(bytes(200_001), "a.pdf"))
    with pytest.raises(ValidationError, match="larger than 195"):
        scan.full_clean()
    assert stored(folder) == []


@pytest.mark.asvs("5.2.1")
@pytest.mark.parametrize("claimed", [0, 10, 30, 150_000])
def test_a_file_that_lies_about_its_size_is_refused_and_leaves_nothing(claimed: int, folder: Path) -> None:
    content = ContentFile(b"twenty bytes of text", "a.pdf")
    content.size = claimed
    with pytest.raises(TooLarge):
        Scan.objects.create(file=content)
    assert stored(folder) == []


def test_validators_run_on_the_plaintext(folder: Path) -> None:
    with pytest.raises(ValidationError, match="exe"):
        Scan(title="x", file=ContentFile(b"", "virus.exe")).full_clean()


def test_a_name_is_made_by_the_field_alone() -> None:
    with pytest.raises(TypeError, match="random"):
        EncryptedFileField(upload_to=lambda instance, name: name)


# Elsewhere


def test_a_fixture_names_the_file_and_loads_again(folder: Path) -> None:
    scan = make()
    [record] = serializers.serialize("python", [UnboundScan.objects.create(file=ContentFile(b"u", "a"))])
    UnboundScan.objects.update(file="")
    for loaded in serializers.deserialize("python", [record]):
        loaded.save()
    assert read(UnboundScan.objects.get()) == b"u"
    assert read(fresh(scan)) == PLAIN


def test_a_plain_file_field_is_sealed_by_assignment(folder: Path) -> None:
    plain = models.FileField(storage=FileSystemStorage(folder))
    plain.set_attributes_from_name("plain")
    folder.mkdir()
    (folder / "old.pdf").write_bytes(b"plain")
    scan = Scan.objects.create(file=FieldFile(Scan(), plain, "old.pdf"))
    assert read(fresh(scan)) == b"plain"
    assert fresh(scan).file_name == "old.pdf"


def test_a_migration_keeps_the_label() -> None:
    field = Scan._meta.get_field("file")
    _, path, args, kwargs = field.deconstruct()
    assert path == "apps.encryption.files.EncryptedFileField"
    assert kwargs["label"] == "testapp.scan.file"
    again = EncryptedFileField(*args, **kwargs)
    assert again.deconstruct()[1:] == (path, args, kwargs)


def test_any_file_object_can_be_stored(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(PLAIN)
    with (tmp_path / "source").open("rb") as source:
        scan = Scan.objects.create(file=File(source, "a.pdf"))
    assert read(fresh(scan)) == PLAIN
