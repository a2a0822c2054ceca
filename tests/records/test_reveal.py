"""The whole national ID: by permission, with a reason, on one page, on record."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.records.models import Record
from tests.conftest import ClientFor
from tests.records.test_sealed import flip_a_bit

WHY = {"reason": "The court asks for it."}


@pytest.fixture
def owners(client_for: ClientFor, owner: User) -> Client:
    return client_for(owner)


@pytest.fixture
def colleagues(owners: Client, client_for: ClientFor, colleague: User, record: Record) -> Client:
    """May edit the record, by a share."""
    owners.post(f"/records/{record.pk}/share/", {"email": colleague.email, "access": "Can edit"})
    return client_for(colleague)


@pytest.mark.asvs("14.2.6", "16.3.2")
def test_the_owner_gives_a_reason_and_sees_it_and_the_history_says_so(owners: Client, record: Record) -> None:
    answer = owners.post(f"/records/{record.pk}/reveal/", WHY)

    assert "850 324-4821" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    event = Event.objects.get(action="encryption.value.revealed")
    assert (event.reason, event.target_id) == (WHY["reason"], str(record.pk))
    assert "850" not in event.details
    assert "saw national ID of" in owners.get(f"/records/{record.pk}/").content.decode()


@pytest.mark.parametrize("given", [{}, {"reason": " "}, {"reason": "x" * 201}])
def test_without_a_reason_nothing_is_shown(owners: Client, record: Record, given: dict[str, str]) -> None:
    answer = owners.post(f"/records/{record.pk}/reveal/", given)

    assert "324" not in answer.content.decode().replace(str(record.pk), "")
    assert not Event.objects.filter(action="encryption.value.revealed").exists()


def test_asking_for_the_page_shows_nothing_yet(owners: Client, record: Record) -> None:
    page = owners.get(f"/records/{record.pk}/reveal/").content.decode()

    assert "Show it" in page
    assert "4821" not in page.replace(str(record.pk), "")


def test_who_may_edit_may_not_reveal_and_the_attempt_is_recorded(colleagues: Client, record: Record) -> None:
    assert "/reveal/" not in colleagues.get(f"/records/{record.pk}/").content.decode()

    assert colleagues.post(f"/records/{record.pk}/reveal/", WHY).status_code == 403

    assert Event.objects.filter(action="rbac.access.refused", target_id=str(record.pk)).exists()
    assert not Event.objects.filter(action="encryption.value.revealed").exists()


def test_a_stranger_finds_nothing(client_for: ClientFor, stranger: User, record: Record) -> None:
    assert client_for(stranger).post(f"/records/{record.pk}/reveal/", WHY).status_code == 404


def test_the_form_of_a_change_does_not_show_it_either(owners: Client, record: Record) -> None:
    page = owners.get(f"/records/{record.pk}/edit/").content.decode()

    assert "324-4821" not in page
    assert "Leave this empty to keep ••••4821." in page


def test_a_tampered_number_is_not_shown_and_the_record_says_why(owners: Client, record: Record) -> None:
    flip_a_bit(record, "national_id")

    page = owners.post(f"/records/{record.pk}/reveal/", WHY, follow=True).content.decode()

    assert "A part of this record can" in page
    assert not Event.objects.filter(action="encryption.value.revealed").exists()
