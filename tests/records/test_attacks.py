"""What somebody may try with records: read unseen, learn what exists, be taken for a colleague."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records import access
from apps.records.models import Record
from tests.conftest import ClientFor, MakeUser

pytestmark = pytest.mark.django_db


@pytest.mark.asvs("16.3.2")
def test_nobody_reads_a_record_unseen_by_opening_its_form(
    record: Record, owner: User, colleague: User, client_for: ClientFor
) -> None:
    access.share(record, by=owner, to=colleague, access=access.CAN_EDIT)
    answer = client_for(colleague).get(f"/records/{record.pk}/edit/")
    assert "Allergic to penicillin." in answer.content.decode()
    assert "850 324-4821" not in answer.content.decode()
    viewed = Event.objects.filter(action="records.record.viewed", target_id=str(record.pk))
    assert [event.actor_id for event in viewed] == [str(colleague.pk)]


@pytest.mark.asvs("8.2.2")
def test_the_page_of_ones_own_activity_does_not_tell_which_records_exist(
    record: Record, stranger: User, client_for: ClientFor
) -> None:
    browser = client_for(stranger)
    told = []
    for pk in (record.pk, "0198c0de-0000-7000-8000-000000000000"):
        before = browser.get("/audit/mine/").content.decode().count("was refused")
        assert browser.get(f"/records/{pk}/").status_code == 404
        told.append(browser.get("/audit/mine/").content.decode().count("was refused") - before)
    assert told == [1, 1]


def test_a_look_alike_address_is_not_taken_for_a_colleagues(
    record: Record, owner: User, client_for: ClientFor, make_user: MakeUser
) -> None:
    """To PostgreSQL the dotless i and i are one letter in upper case, which `iexact` compares (as in CVE-2019-19844).

    Whether they are depends on the database's locale, so what is asked is looked at, not what is answered.
    """
    make_user(email="b\u0131n@example.org")
    browser = client_for(owner)
    with CaptureQueriesContext(connection) as asked:
        answer = browser.post(f"/records/{record.pk}/share/", {"email": "BIN@example.org", "access": "Can view"})
    assert answer.status_code == 200
    assert access.shares(record) == []
    assert not any('UPPER("accounts_user"' in each["sql"] or "LIKE" in each["sql"] for each in asked)
