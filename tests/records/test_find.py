"""Search by exact national ID, among the records that one may see, and without a trace of the ID anywhere."""

import logging

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records.models import Record
from tests.conftest import ClientFor
from tests.records.conftest import RecordOf


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


@pytest.mark.parametrize("typed", ["850 324-4821", "8503244821", " 850-324-4821 "])
def test_an_owner_finds_his_record_however_the_number_is_spaced(owners: Client, record: Record, typed: str) -> None:
    assert b"Case 4711" in owners.post("/records/find/", {"national_id": typed}).content


@pytest.mark.parametrize("typed", ["850324482", "4821", "8503244822", "%", "*"])
def test_a_part_of_the_number_finds_nothing(owners: Client, record: Record, typed: str) -> None:
    answer = owners.post("/records/find/", {"national_id": typed})

    assert answer.status_code == 200
    assert b"Case 4711" not in answer.content


def test_a_stranger_who_knows_the_number_finds_nothing(client_for: ClientFor, stranger: User, record: Record) -> None:
    answer = client_for(stranger).post("/records/find/", {"national_id": "850 324-4821"})

    assert b"Case 4711" not in answer.content
    assert b"Nothing found" in answer.content


def test_of_two_records_with_the_number_one_finds_ones_own(
    owners: Client, record: Record, record_of: RecordOf, colleague: User
) -> None:
    record_of(colleague, title="Case of another")
    answer = owners.post("/records/find/", {"national_id": "850 324-4821"})

    assert b"Case 4711" in answer.content
    assert b"Case of another" not in answer.content


@pytest.mark.asvs("14.2.1")
def test_the_number_is_never_taken_from_a_url(owners: Client, record: Record) -> None:
    assert owners.get("/records/find/", {"national_id": "850 324-4821"}).status_code == 405


@pytest.mark.asvs("16.2.5")
def test_a_search_is_an_event_which_does_not_hold_the_number(
    owners: Client, record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    owners.post("/records/find/", {"national_id": "850 324-4821"})

    event = Event.objects.get(action="records.record.searched")
    assert event.details == '{"found":1}'
    assert "4821" not in caplog.text
    for column in Event.COLUMNS[5:]:
        assert "850 324-4821" not in str(getattr(event, column))


def test_an_empty_search_is_asked_again(owners: Client) -> None:
    answer = owners.post("/records/find/", {"national_id": ""})

    assert b"This field is required." in answer.content
    assert b"Nothing found" not in answer.content


@pytest.mark.parametrize("typed", ["no digits", "-- --"])
def test_an_id_without_digits_is_refused_since_all_such_ids_would_be_equal(owners: Client, typed: str) -> None:
    assert b"has no digits" in owners.post("/records/find/", {"national_id": typed}).content
    made = owners.post("/records/new/", {"title": "T", "subject_name": "S", "national_id": typed, "notes": ""})
    assert b"has no digits" in made.content
