"""Making, changing and deleting a record, and what the forms say to bad input."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records.models import Record
from tests.conftest import ClientFor
from tests.records.conftest import GIVEN, RecordOf

AS_SHOWN = GIVEN | {"national_id": ""}  # the form of a change does not show the masked value
TEN_MEGABYTES = 10 * 1024 * 1024


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


def test_a_new_record_belongs_to_who_made_it(record: Record, owner: User) -> None:
    assert record.created_by == owner
    assert (record.title, record.subject_name) == ("Case 4711", "Amara Okafor")


def test_a_changed_record_says_what_is_new(owners: Client, record: Record) -> None:
    owners.post(f"/records/{record.pk}/edit/", AS_SHOWN | {"notes": "Recovered."})

    assert b"Recovered." in owners.get(f"/records/{record.pk}/").content


def test_a_change_is_an_event_which_keeps_secrets_secret(owners: Client, record: Record) -> None:
    owners.post(f"/records/{record.pk}/edit/", AS_SHOWN | {"title": "Case 4712", "notes": "Recovered."})

    event = Event.objects.get(action="records.record.changed")
    assert [(change.field, change.new) for change in event.change_rows()] == [
        ("notes", "(secret)"),
        ("title", "Case 4712"),
    ]
    assert "Recovered" not in event.changes


def test_saving_without_a_change_is_no_event(owners: Client, record: Record) -> None:
    owners.post(f"/records/{record.pk}/edit/", AS_SHOWN)

    assert not Event.objects.filter(action="records.record.changed").exists()


def test_deleting_asks_first(owners: Client, record: Record) -> None:
    assert b"Delete for good" in owners.get(f"/records/{record.pk}/delete/").content
    assert Record.objects.exists()


def test_a_deleted_record_is_gone_and_its_history_stays(owners: Client, record: Record) -> None:
    answer = owners.post(f"/records/{record.pk}/delete/", follow=True)

    assert "“Case 4711” was deleted." in answer.content.decode()
    assert not Record.objects.exists()
    event = Event.objects.get(action="records.record.deleted")
    assert (event.target_id, event.target_label) == (str(record.pk), "Case 4711")


@pytest.mark.asvs("2.2.1", "2.2.2")
def test_a_title_too_long_is_told_and_what_was_typed_stays(owners: Client) -> None:
    answer = owners.post("/records/new/", GIVEN | {"title": "x" * 121})
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "at most 120 characters (it has 121)" in page
    assert "x" * 121 in page
    assert "Allergic to penicillin." in page
    assert not Record.objects.exists()


def test_all_that_is_missing_is_told_at_once(owners: Client) -> None:
    page = owners.post("/records/new/", {"title": ""}).content.decode()

    assert page.count("This field is required.") == 2 * 3  # in the summary and at the field


def test_a_form_of_ten_megabytes_gets_a_page_that_says_so(owners: Client) -> None:
    answer = owners.post("/records/new/", GIVEN | {"notes": "x" * TEN_MEGABYTES})

    assert answer.status_code == 413
    assert b"more than we accept at once" in answer.content
    assert not Record.objects.exists()


@pytest.mark.asvs("15.3.3")
def test_who_made_a_record_cannot_be_set_by_the_form(owners: Client, stranger: User) -> None:
    answer = owners.post("/records/new/", GIVEN | {"created_by": str(stranger.pk)})

    assert answer.status_code == 200
    assert not Record.objects.exists()


def test_what_was_typed_is_shown_and_never_run(owners: Client, owner: User, record_of: RecordOf) -> None:
    record = record_of(owner, title="<script>alert(1)</script>", notes="<img src=x onerror=alert(1)>")
    page = owners.get(f"/records/{record.pk}/").content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page


def test_a_long_list_comes_in_pages(owners: Client, owner: User, record_of: RecordOf) -> None:
    for number in range(26):
        record_of(owner, title=f"Number {number:02}")

    assert b"Page 1 of 2" in owners.get("/records/").content
    assert b"Number 00" in owners.get("/records/?page=2").content
    assert owners.get("/records/?page=nonsense").status_code == 200


def test_the_record_of_a_page_is_not_kept_by_browsers_or_proxies(owners: Client, record: Record) -> None:
    assert "no-store" in owners.get(f"/records/{record.pk}/")["Cache-Control"]
