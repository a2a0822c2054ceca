"""Uploads touch no disk in the clear, and forms store them."""

import io
import tempfile
from typing import Any

import pytest
from django import forms
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.test import RequestFactory, override_settings
from django.test.utils import isolate_apps
from django.utils.datastructures import MultiValueDict

from apps.encryption.fields import Encrypted
from apps.encryption.files import EncryptedFileField
from apps.encryption.uploads import SPOOLS, check_handlers
from tests.testapp.models import Scan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PLAIN = bytes(range(256)) * 200  # four chunks
SIZE = len(PLAIN)


@pytest.fixture
def scan() -> Scan:
    return Scan.objects.create(title="x", file=ContentFile(PLAIN, name="scan.pdf"))


# Uploads


ScanForm = forms.modelform_factory(Scan, fields=("title", "file"))


def upload(content: bytes, name: str = "a.pdf") -> Any:
    file = File(io.BytesIO(content), name)
    request = RequestFactory().post("/", {"title": "x", "file": file})
    assert isinstance(request.FILES, MultiValueDict)
    return request


@pytest.mark.asvs("14.2.2")
def test_a_large_upload_waits_on_the_disk_in_ciphertext_only(monkeypatch: pytest.MonkeyPatch) -> None:
    marker, spools = b"MARKER of an upload " * 100_000, []

    def spool(**options: Any) -> Any:
        spools.append(file := io.BytesIO())
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", spool)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", None)
    received = upload(marker).FILES["file"]
    assert isinstance(received, UploadedFile)
    assert not hasattr(received, "temporary_file_path")
    assert len(spools[0].getvalue()) > len(marker)
    assert b"MARKER" not in spools[0].getvalue()
    assert received.read() == marker
    received.seek(7)
    assert (received.read(5), received.size, received.name) == (marker[7:12], len(marker), "a.pdf")


def test_a_small_upload_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    assert upload(b"small").FILES["file"].read() == b"small"


@override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_an_upload_is_stored_by_a_form_and_read_again() -> None:
    request = upload(PLAIN)
    form = ScanForm(request.POST, request.FILES)
    assert form.is_valid(), form.errors
    found = Scan.objects.get(pk=form.save().pk)
    with found.file.open() as file:
        assert file.read() == PLAIN
    assert found.file_name == "a.pdf"
    request.close()


@override_settings(FILE_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_an_upload_that_is_too_large_is_refused_by_the_form() -> None:
    request = upload(bytes(200_001))
    form = ScanForm(request.POST, request.FILES)
    assert "larger than" in str(form.errors["file"])
    request.close()


def test_a_form_shows_that_there_is_a_file_but_not_its_name(scan: Scan) -> None:
    shown = str(ScanForm(instance=scan)["file"])
    assert "A file is stored." in shown
    assert "scans/" not in shown
    assert "href" not in shown


def test_a_form_keeps_replaces_and_clears_the_file(scan: Scan) -> None:
    name = scan.file.name
    form = ScanForm({"title": "y"}, instance=Scan.objects.get(pk=scan.pk))
    assert form.save().file.name == name
    clearing = ScanForm({"title": "y", "file-clear": "on"}, instance=Scan.objects.get(pk=scan.pk))
    clearing.save()
    assert not Scan.objects.get(pk=scan.pk).file


def test_a_name_that_is_posted_as_text_is_no_file(scan: Scan) -> None:
    form = ScanForm({"title": "y", "file": "scans/other"}, instance=Scan.objects.get(pk=scan.pk))
    assert form.save().file.name == scan.file.name


def test_spooling_in_the_clear_is_a_check_error() -> None:
    assert check_handlers() == []
    with override_settings(FILE_UPLOAD_HANDLERS=[SPOOLS]):
        assert [error.id for error in check_handlers()] == ["encryption.E020"]


@isolate_apps("tests.testapp")
def test_the_name_of_an_upload_must_be_encrypted_too() -> None:
    class Leaky(models.Model):  # noqa: DJ008 - lives for one test
        id = models.UUIDField(primary_key=True)
        plain = models.CharField(max_length=9)
        sealed = Encrypted(models.CharField(max_length=9))
        one = EncryptedFileField(upload_to="one/", name_field="plain")
        two = EncryptedFileField(upload_to="two/", name_field="nowhere")
        three = EncryptedFileField(upload_to="three/", name_field="sealed")

        class Meta:
            app_label = "testapp"

    assert [(error.obj.name, error.id) for error in Leaky.check()] == [
        ("one", "encryption.E021"),
        ("two", "encryption.E021"),
    ]


@isolate_apps("tests.testapp")
def test_a_file_is_not_bound_to_a_key_that_the_database_makes() -> None:
    class Numbered(models.Model):  # noqa: DJ008 - likewise
        file = EncryptedFileField(upload_to="numbered/")

        class Meta:
            app_label = "testapp"

    assert [error.id for error in Numbered.check()] == ["encryption.E001"]
