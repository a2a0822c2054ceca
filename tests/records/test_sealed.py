"""What is stored, and what a page says when it was tampered with."""

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records.models import Record
from tests.conftest import ClientFor
from tests.records.conftest import GIVEN, RecordOf

MARKERS = [b"Amara Okafor", b"850 324-4821", b"8503244821", b"penicillin"]


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


def stored(record: Record, column: str) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM records_record WHERE title = %s", [record.title])
        return bytes(cursor.fetchone()[0])


def flip_a_bit(record: Record, column: str) -> None:
    cell = bytearray(stored(record, column))
    cell[-1] ^= 1
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE records_record SET {column} = %s WHERE title = %s", [bytes(cell), record.title])


@pytest.mark.parametrize("column", ["subject_name", "national_id", "notes"])
def test_nothing_of_the_person_is_readable_in_the_database(record: Record, column: str) -> None:
    cell = stored(record, column)

    assert len(cell) > 46
    assert not [marker for marker in MARKERS if marker in cell]


def test_the_page_shows_what_was_typed_and_of_the_national_id_its_end(owners: Client, record: Record) -> None:
    page = owners.get(f"/records/{record.pk}/").content.decode()

    assert "Amara Okafor" in page
    assert "Allergic to penicillin." in page
    assert "4821" in page
    assert "850" not in page.replace(str(record.pk), "")


def test_a_list_opens_no_sealed_field(owners: Client, record: Record) -> None:
    page = owners.get("/records/").content

    assert b"Case 4711" in page
    assert not [marker for marker in MARKERS if marker in page]


@pytest.mark.asvs("11.3.3")
@pytest.mark.parametrize("column", ["subject_name", "national_id", "notes"])
def test_a_tampered_field_is_named_and_the_others_stay_readable(owners: Client, record: Record, column: str) -> None:
    flip_a_bit(record, column)
    answer = owners.get(f"/records/{record.pk}/")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert page.count("Unreadable") == 1
    assert "A part of this record can" in page
    assert ("Amara Okafor" in page) == (column != "subject_name")
    assert ("penicillin" in page) == (column != "notes")


def test_a_tampered_field_raises_one_alarm_with_the_reference_on_the_page(owners: Client, record: Record) -> None:
    flip_a_bit(record, "notes")
    page = owners.get(f"/records/{record.pk}/").content.decode()

    event = Event.objects.get(action="encryption.opening.failed")
    assert event.request_id
    assert event.request_id in page


def test_a_field_moved_from_another_record_is_not_shown_as_this_ones(
    owners: Client, owner: User, record: Record, record_of: RecordOf
) -> None:
    other = record_of(owner, title="Other", subject_name="Bela Novak")
    moved = stored(other, "subject_name")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE records_record SET subject_name = %s WHERE title = %s", [moved, record.title])

    page = owners.get(f"/records/{record.pk}/").content.decode()
    assert "Bela Novak" not in page
    assert page.count("Unreadable") == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_record_with_an_unreadable_field_is_not_overwritten(owners: Client, record: Record, method: str) -> None:
    flip_a_bit(record, "notes")
    before = stored(record, "notes")

    answer = getattr(owners, method)(f"/records/{record.pk}/edit/", GIVEN if method == "post" else None, follow=True)

    assert b"can&#x27;t be edited while one of its fields is unreadable" in answer.content
    assert stored(record, "notes") == before


def test_the_list_and_the_search_still_work_beside_a_tampered_field(owners: Client, record: Record) -> None:
    flip_a_bit(record, "notes")

    assert b"Case 4711" in owners.get("/records/").content
    assert b"Case 4711" in owners.post("/records/find/", {"national_id": "8503244821"}).content
