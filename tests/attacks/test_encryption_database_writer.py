"""Someone who writes to the database but has no key: every change is noticed, told of, and never taken for a value."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, models

from apps.encryption.errors import EncryptionError, KeyUnavailable, NotSealed, OpenFailed, UnknownFormat
from apps.encryption.signals import open_failed
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db

SECRET = "marker-of-the-secret"


@pytest.fixture(autouse=True)
def failures() -> Iterator[list[dict[str, Any]]]:
    """What signals.open_failed told; no app hears it meanwhile."""
    heard: list[dict[str, Any]] = []

    def hear(**sent: Any) -> None:
        heard.append(sent)

    others, open_failed.receivers = open_failed.receivers, []
    open_failed.connect(hear)
    yield heard
    open_failed.receivers = others
    open_failed.sender_receivers_cache.clear()


@pytest.fixture
def ada() -> Patient:
    return Patient.objects.create(name="Ada", notes=SECRET, national_id="1234")


@pytest.fixture
def ben() -> Patient:
    return Patient.objects.create(name="Ben", notes="of Ben", national_id="5678")


def key(instance: models.Model) -> Any:
    return instance._meta.pk.get_db_prep_value(instance.pk, connection)


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def cell(instance: Patient, column: str = "notes") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM testapp_patient WHERE id = %s", [key(instance)])
        return bytes(cursor.fetchone()[0])


def plant(instance: Patient, value: Any, column: str = "notes") -> None:
    sql(f"UPDATE testapp_patient SET {column} = %s WHERE id = %s", value, key(instance))


def refused(instance: Patient, kind: type[EncryptionError] = OpenFailed, column: str = "notes") -> EncryptionError:
    """Reading it raises this error, and the error shows nothing of the value."""
    with pytest.raises(EncryptionError) as error:
        getattr(Patient.objects.get(pk=instance.pk), column)
    assert type(error.value) is kind
    assert SECRET not in repr(error.value)
    return error.value


@pytest.mark.asvs("11.3.3")
def test_two_columns_of_a_row_can_not_be_swapped(ada: Patient) -> None:
    sql("UPDATE testapp_patient SET name = notes, notes = name")
    refused(ada, column="name")
    refused(ada, column="notes")


@pytest.mark.asvs("11.3.3")
def test_two_rows_can_not_be_swapped(ada: Patient, ben: Patient) -> None:
    first, second = cell(ada), cell(ben)
    plant(ada, second)
    plant(ben, first)
    refused(ada)
    refused(ben)


@pytest.mark.asvs("11.3.3")
def test_a_value_of_another_row_can_not_be_copied_with_its_blind_tag(ada: Patient, ben: Patient) -> None:
    plant(ben, cell(ada, "national_id"), "national_id")
    assert Patient.objects.filter(national_id="1234").count() == 2  # found by its tag …
    refused(ben, column="national_id")  # … and not believed


@pytest.mark.asvs("11.3.3")
def test_a_blind_tag_can_not_be_put_on_another_value(ada: Patient, ben: Patient) -> None:
    forged = cell(ben, "national_id")
    plant(ben, forged[:6] + cell(ada, "national_id")[6:22] + forged[22:], "national_id")
    refused(ben, column="national_id")


@pytest.mark.asvs("11.2.5", "11.3.3")
@pytest.mark.parametrize("column", ["notes", "national_id"])
def test_no_byte_of_a_cell_can_be_flipped(ada: Patient, column: str) -> None:
    good = cell(ada, column)
    field: Any = Patient._meta.get_field(column)
    for position in range(len(good)):
        for bit in (0x01, 0x80):
            bad = good[:position] + bytes([good[position] ^ bit]) + good[position + 1 :]
            found = Patient.objects.get(pk=ada.pk)
            found.__dict__[column].cell = bad
            with pytest.raises((OpenFailed, KeyUnavailable, NotSealed, UnknownFormat)):
                field.open(found.__dict__[column], found)
    assert getattr(Patient.objects.get(pk=ada.pk), column)


@pytest.mark.asvs("11.3.3")
def test_no_cell_can_be_cut_off(ada: Patient) -> None:
    good = cell(ada)
    found = Patient.objects.get(pk=ada.pk)
    field: Any = Patient._meta.get_field("notes")
    for size in range(len(good)):
        found.__dict__["notes"].cell = good[:size]
        with pytest.raises((OpenFailed, NotSealed, UnknownFormat)):
            field.open(found.__dict__["notes"], found)


@pytest.mark.asvs("11.3.3")
@pytest.mark.parametrize("planted", [b"granted", "Über alles".encode(), b"", b"{}"])
def test_plaintext_in_the_column_is_not_taken_for_a_value(ada: Patient, planted: bytes) -> None:
    plant(ada, planted)
    refused(ada, NotSealed)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite stores text in a binary column")
def test_text_in_the_column_is_not_taken_for_a_value(ada: Patient) -> None:
    plant(ada, "granted")
    refused(ada, NotSealed)


@pytest.mark.parametrize(
    "forge",
    [lambda good: b"\x82" + good[1:], lambda good: good[:1] + b"\x06" + good[2:]],
    ids=["format 2", "a subject's key"],
)
def test_another_format_is_refused_and_not_guessed(ada: Patient, forge: Callable[[bytes], bytes]) -> None:
    plant(ada, forge(cell(ada)))
    refused(ada, UnknownFormat)


def test_a_cell_that_names_another_key_is_not_tried_with_ours(ada: Patient) -> None:
    good = cell(ada)
    plant(ada, good[:2] + bytes([good[2] ^ 1]) + good[3:])
    error = refused(ada, KeyUnavailable)
    assert "is not in the ring" in str(error)


def test_noise_is_refused(ada: Patient) -> None:
    noise = random.Random(1)
    for size in range(0, 200, 7):
        plant(ada, noise.randbytes(size))
        found = Patient.objects.get(pk=ada.pk)
        with pytest.raises(EncryptionError):
            _ = found.notes


@pytest.mark.asvs("16.5.3")
def test_a_failed_opening_is_told_once_with_the_row_and_the_key_and_without_the_value(
    ada: Patient, failures: list[dict[str, Any]]
) -> None:
    good = cell(ada)
    plant(ada, good[:-1] + bytes([good[-1] ^ 1]))
    found = Patient.objects.get(pk=ada.pk)
    for _ in range(2):
        with pytest.raises(OpenFailed, match=f"testapp.patient.notes of row {ada.pk}"):
            _ = found.notes
    (told,) = failures
    assert (told["target"].pk, told["outcome"], told["reason"]) == (ada.pk, "error", "OpenFailed")
    assert told["details"] == {"label": "testapp.patient.notes", "key_id": good[2:6].hex()}
    assert (told["sender"], told["changes"]) == (Patient, None)


def test_a_receiver_that_reads_the_value_again_does_not_go_round_in_circles(ada: Patient) -> None:
    plant(ada, b"granted")

    def read_again(target: Patient, **_: Any) -> None:
        with pytest.raises(NotSealed):
            _ = target.notes

    open_failed.connect(read_again)
    refused(ada, NotSealed)


@pytest.mark.asvs("16.5.3")
def test_a_damaged_value_neither_hides_the_others_nor_is_lost_when_the_row_is_saved(ada: Patient) -> None:
    good = cell(ada)
    damaged = good[:-1] + bytes([good[-1] ^ 1])
    plant(ada, damaged)
    found = Patient.objects.get(pk=ada.pk)
    with pytest.raises(OpenFailed):
        _ = found.notes
    assert found.name == "Ada"
    found.title = "changed"
    found.save()
    assert cell(ada) == damaged
    found.notes = "written anew"
    found.save()
    assert Patient.objects.get(pk=ada.pk).notes == "written anew"


def test_a_template_does_not_hide_a_tampered_value(ada: Patient) -> None:
    from django.template import Context, Template

    plant(ada, b"granted")
    with pytest.raises(NotSealed):
        Template("{{ patient.notes }}").render(Context({"patient": Patient.objects.get(pk=ada.pk)}))
