"""The account's own pages: name, address, confirming that it is you."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from tests.accounts.steps import EMAIL, PASSWORD, WRONG, mailed_code, sign_in
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db

PROFILE = "accounts:profile"


def test_the_profile_shows_the_address_and_leads_to_what_can_be_done(client: Client, member: User) -> None:
    sign_in(client)
    page = client.get(reverse(PROFILE)).content.decode()
    assert EMAIL in page
    for name in ("account_change_password", "account_email", "audit:my_activity"):
        assert f'href="{reverse(name)}"' in page


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    assert client.get(reverse(PROFILE))["Location"] == "/accounts/login/?next=/account/"


def test_the_name_can_be_changed(client_for: ClientFor, owner: User) -> None:
    response = client_for(owner).post(reverse(PROFILE), {"name": "Ana Lima"})
    assert response["Location"] == reverse(PROFILE)
    owner.refresh_from_db()
    assert owner.name == "Ana Lima"


@pytest.mark.asvs("15.3.3")
@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "email", "is_active", "password", "id"])
def test_nothing_else_can_be_changed_along_with_it(client_for: ClientFor, owner: User, field: str) -> None:
    response = client_for(owner).post(reverse(PROFILE), {"name": "Ana", field: "1"})
    assert response.status_code == 200
    before = {name: getattr(owner, name) for name in (field, "name")}
    owner.refresh_from_db()
    assert {name: getattr(owner, name) for name in (field, "name")} == before


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("name", ["An\x07a", "\u202egpj.exe", "a" * 121])
def test_a_name_with_hidden_characters_or_without_end_is_refused(client_for: ClientFor, owner: User, name: str) -> None:
    response = client_for(owner).post(reverse(PROFILE), {"name": name})
    assert "name" in response.context["form"].errors
    owner.refresh_from_db()
    assert owner.name == ""


def test_a_name_is_shown_as_text(client_for: ClientFor, owner: User) -> None:
    client = client_for(owner)
    client.post(reverse(PROFILE), {"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in client.get(reverse(PROFILE)).content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client_for: ClientFor, owner: User, method: str) -> None:
    assert getattr(client_for(owner), method)(reverse(PROFILE)).status_code == 405


# ── The address ──────────────────────────────────────────────────────────────────────────────────────────────────


def confirm(client: Client, password: str = PASSWORD) -> None:
    client.post(reverse("account_reauthenticate"), {"password": password})


def ask_to_change(client: Client, email: str) -> None:
    client.post(reverse("account_email"), {"email": email, "action_add": ""})


@pytest.mark.asvs("7.5.1")
def test_changing_the_address_needs_the_password_again(client: Client, member: User) -> None:
    sign_in(client)
    response = client.post(reverse("account_email"), {"email": "new@example.org", "action_add": ""})
    assert response["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    confirm(client, WRONG)
    ask_to_change(client, "new@example.org")
    assert mail.outbox == []


def test_the_old_address_stays_until_the_new_one_is_proved(client: Client, member: User) -> None:
    sign_in(client)
    confirm(client)
    ask_to_change(client, "new@example.org")
    member.refresh_from_db()
    assert member.email == EMAIL
    client.post(reverse("account_email_verification_sent"), {"code": mailed_code()})
    member.refresh_from_db()
    assert member.email == "new@example.org"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("new@example.org", True, True)]


@pytest.mark.asvs("6.3.7")
def test_the_old_address_is_told(client: Client, member: User) -> None:
    sign_in(client)
    confirm(client)
    ask_to_change(client, "new@example.org")
    client.post(reverse("account_email_verification_sent"), {"code": mailed_code()})
    told = [message for message in mail.outbox if message.to == [EMAIL]]
    assert [message.subject for message in told] == ["Rampart: Your email address was changed"]
    assert "You now sign in with new@example.org, no longer with member@example.org." in told[0].body


def test_another_persons_address_cannot_be_taken(client: Client, member: User, owner: User) -> None:
    sign_in(client)
    confirm(client)
    ask_to_change(client, owner.email)
    member.refresh_from_db()
    assert member.email == EMAIL


@pytest.mark.asvs("7.2.4")
def test_confirming_takes_a_new_session_key_so_that_a_stolen_one_is_worthless(client: Client, member: User) -> None:
    sign_in(client)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    confirm(client)
    assert client.get(reverse(PROFILE)).status_code == 200
    assert stolen.get(reverse(PROFILE)).status_code == 302
