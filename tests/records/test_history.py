"""The history on a record's page: who did what, refused attempts included, for those who may share the record."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.records.models import Record
from tests.conftest import ClientFor
from tests.factories import give_role


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


def history(browser: Client, record: Record) -> str:
    page = browser.get(f"/records/{record.pk}/").content.decode()
    return page.partition('id="history"')[2]


def test_it_tells_who_made_and_who_read_the_record(owners: Client, owner: User, record: Record) -> None:
    told = history(owners, record)

    assert f"{owner.email} created" in told
    assert f"{owner.email} viewed" in told


def test_it_tells_of_a_strangers_refused_attempt(
    owners: Client, client_for: ClientFor, stranger: User, record: Record
) -> None:
    assert stranger.email not in history(owners, record)

    assert client_for(stranger).get(f"/records/{record.pk}/").status_code == 404

    assert stranger.email in history(owners, record)


def test_it_tells_with_whom_the_record_was_shared(owners: Client, colleague: User, record: Record) -> None:
    owners.post(f"/records/{record.pk}/share/", {"email": colleague.email, "access": "Can view"})

    assert colleague.email in history(owners, record)


def test_who_can_only_view_sees_no_history(
    owners: Client, client_for: ClientFor, colleague: User, record: Record
) -> None:
    owners.post(f"/records/{record.pk}/share/", {"email": colleague.email, "access": "Can view"})

    assert history(client_for(colleague), record) == ""


def test_it_does_not_tell_of_other_records(owners: Client, record: Record, client_for: ClientFor, owner: User) -> None:
    client_for(owner).post("/records/new/", {"title": "Another", "subject_name": "B", "national_id": "2", "notes": ""})

    assert "Another" not in history(owners, record)


def test_an_administrator_learns_in_three_clicks_who_saw_a_record_and_who_gave_them_access(
    owners: Client, client_for: ClientFor, owner: User, colleague: User, administrator: User, record: Record
) -> None:
    owners.post(f"/records/{record.pk}/share/", {"email": colleague.email, "access": "Can view"})
    client_for(colleague).get(f"/records/{record.pk}/")
    auditor = client_for(administrator)

    log = auditor.get("/audit/").text  # the first click: "Audit log" in the header
    of_record = re.search(r'href="(/audit/on/records\.record/[^"]+)"', log)
    assert of_record
    period = re.search(r'href="(\?period=days)"', auditor.get(of_record[1]).text)  # the second: the record, in any row
    assert period
    answer = auditor.get(of_record[1] + period[1])  # the third: "Last 31 days"

    seen = {person.last.actor_label: person for person in answer.context["people"]}
    assert seen[colleague.email].counts == {"records.record.viewed": 1}
    assert seen[colleague.email].grant.sentence.startswith(f"{owner.email} shared {record} with {colleague.email}")
    assert f"{owner.email} shared" in answer.text


def test_only_who_may_read_the_log_is_led_there_from_a_record(owners: Client, owner: User, record: Record) -> None:
    link = f"/audit/on/records.record/{record.pk}/"
    assert link not in owners.get(f"/records/{record.pk}/").text

    give_role(owner, "admin")

    assert link in owners.get(f"/records/{record.pk}/").text
