import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records.models import Record
from tests.conftest import ClientFor


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


def sharing_page(record: Record) -> str:
    return f"/records/{record.pk}/share/"


def test_the_page_lists_who_may_see_the_record(owners: Client, colleague: User, record: Record) -> None:
    owners.post(sharing_page(record), {"email": colleague.email, "access": "Can edit"})

    page = owners.get(sharing_page(record)).content.decode()
    assert colleague.email in page
    assert "Can edit" in page


def test_an_address_is_found_in_any_spelling_of_its_case(owners: Client, colleague: User, record: Record) -> None:
    answer = owners.post(sharing_page(record), {"email": colleague.email.upper(), "access": "Can view"})

    assert answer.status_code == 302


def test_an_unknown_address_is_told_and_kept_in_the_form(owners: Client, record: Record) -> None:
    answer = owners.post(sharing_page(record), {"email": "nobody@example.org", "access": "Can view"})

    assert answer.status_code == 200
    assert b"Nobody else with this address can sign in here" in answer.content
    assert b'value="nobody@example.org"' in answer.content


def test_a_closed_account_is_told_like_an_unknown_one(owners: Client, colleague: User, record: Record) -> None:
    colleague.is_active = False
    colleague.save()
    answer = owners.post(sharing_page(record), {"email": colleague.email, "access": "Can view"})

    assert b"Nobody else with this address can sign in here" in answer.content


def test_an_owner_cannot_share_with_himself(owners: Client, owner: User, record: Record) -> None:
    answer = owners.post(sharing_page(record), {"email": owner.email, "access": "Can view"})

    assert b"Nobody else with this address can sign in here" in answer.content


def test_an_unknown_kind_of_access_is_refused(owners: Client, colleague: User, record: Record) -> None:
    answer = owners.post(sharing_page(record), {"email": colleague.email, "access": "delete"})

    assert answer.status_code == 200
    assert b"not one of the available choices" in answer.content


def test_sharing_once_is_one_event(owners: Client, owner: User, colleague: User, record: Record) -> None:
    owners.post(sharing_page(record), {"email": colleague.email, "access": "Can edit"})

    (event,) = Event.objects.filter(action__contains="share", target_id=str(record.pk))
    assert event.action == "rbac.share.granted"
    assert event.actor_id == str(owner.pk)
    assert colleague.email in event.sentence


def test_stopping_once_is_one_event(owners: Client, colleague: User, record: Record) -> None:
    owners.post(sharing_page(record), {"email": colleague.email, "access": "Can edit"})
    owners.post(f"{sharing_page(record)}{colleague.pk}/stop/")

    assert Event.objects.filter(action="rbac.share.revoked", target_id=str(record.pk)).count() == 1


def test_stopping_to_share_with_nobody_known_gives_404(owners: Client, stranger: User, record: Record) -> None:
    assert owners.post(f"{sharing_page(record)}{stranger.pk}/stop/").status_code == 404
