"""Changing a password, and getting a new one by mail."""

import pytest
from django.core import mail
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import User
from tests.accounts.steps import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    WRONG,
    ask_for_reset,
    is_signed_in,
    mailed_link,
    sign_in,
)
from tests.conftest import ClientFor, MakeUser

pytestmark = pytest.mark.django_db

CHANGE = "account_change_password"


def change(client: Client, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str | None = None) -> object:
    return client.post(reverse(CHANGE), {"oldpassword": old, "password1": new, "password2": again or new})


def choose(client: Client, link: str, new: str = NEW_PASSWORD) -> object:
    """Follow a mailed link and choose a password."""
    form = client.get(link, follow=True).redirect_chain[-1][0]
    return client.post(form, {"password1": new, "password2": new})


# ── Change ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("6.2.2")
def test_a_password_can_be_changed(client: Client, member: User) -> None:
    sign_in(client)
    change(client)
    member.refresh_from_db()
    assert member.check_password(NEW_PASSWORD)


@pytest.mark.asvs("6.2.3")
def test_changing_it_needs_the_current_one(client: Client, member: User) -> None:
    sign_in(client)
    change(client, old=WRONG)
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


@pytest.mark.asvs("7.4.3")
def test_changing_it_ends_every_other_session_and_keeps_this_one(client: Client, member: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere)
    sign_in(client)
    before = client.session.session_key
    change(client)
    assert client.get(reverse("accounts:profile")).status_code == 200
    assert client.session.session_key != before
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302


@pytest.mark.asvs("6.3.7")
def test_changing_it_is_told_by_mail(client: Client, member: User) -> None:
    sign_in(client)
    change(client)
    (message,) = mail.outbox
    assert message.to == [EMAIL]
    assert message.subject == "Rampart: Your password was changed"
    assert "reset your password now:\nhttps://testserver/accounts/password/reset/" in message.body
    assert NEW_PASSWORD not in message.body


@pytest.mark.asvs("6.2.1", "6.2.11")
@pytest.mark.parametrize("weak", ["fourteen chars", "manchesterunited", "member@example.org", "x" * 1025])
def test_a_weak_one_is_refused(client: Client, member: User, weak: str) -> None:
    sign_in(client)
    change(client, new=weak)
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


def test_both_times_must_be_the_same(client: Client, member: User) -> None:
    sign_in(client)
    change(client, again=NEW_PASSWORD + "x")
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


def test_guessing_the_current_one_is_slowed_down(client: Client, member: User) -> None:
    sign_in(client)
    for _ in range(5):
        change(client, old=WRONG)
    response = client.post(reverse(CHANGE), {"oldpassword": PASSWORD})
    assert response.status_code == 429


def test_who_has_none_can_set_one(client_for: ClientFor, make_user: MakeUser) -> None:
    user = make_user()
    client = client_for(user)
    assert client.get(reverse(CHANGE))["Location"] == reverse("account_set_password")
    client.post(reverse("account_set_password"), {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)


# ── Reset ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mailed_link_lets_one_choose_a_new_password(client: Client, member: User) -> None:
    ask_for_reset(client)
    choose(client, mailed_link())
    member.refresh_from_db()
    assert member.check_password(NEW_PASSWORD)


@pytest.mark.asvs("6.4.3")
def test_a_reset_signs_nobody_in(client: Client, member: User) -> None:
    ask_for_reset(client)
    choose(client, mailed_link())
    assert not is_signed_in(client)


@pytest.mark.asvs("7.4.3")
def test_a_reset_ends_every_session(client: Client, member: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere)
    ask_for_reset(client)
    choose(client, mailed_link())
    assert elsewhere.get(reverse("accounts:profile")).status_code == 302


@pytest.mark.asvs("6.3.7")
def test_a_reset_is_told_by_mail(client: Client, member: User) -> None:
    ask_for_reset(client)
    choose(client, mailed_link())
    assert [message.subject for message in mail.outbox] == [
        "Rampart: Choose a new password",
        "Rampart: Your password was changed",
    ]


@pytest.mark.asvs("6.5.1")
def test_a_link_is_good_once(client: Client, member: User) -> None:
    ask_for_reset(client)
    link = mailed_link()
    choose(client, link)
    assert "no longer good" in Client().get(link).content.decode()


@pytest.mark.asvs("6.5.5")
@pytest.mark.parametrize(("lifetime", "good"), [(600, True), (-1, False)])
def test_a_link_ends(client: Client, member: User, lifetime: int, good: bool) -> None:
    ask_for_reset(client)
    with override_settings(PASSWORD_RESET_TIMEOUT=lifetime):
        page = client.get(mailed_link(), follow=True).content.decode()
    assert ("Choose a new password" in page) is good


@pytest.mark.asvs("6.5.5")
def test_a_links_lifetime_is_ten_minutes(settings: object) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 600  # type: ignore[attr-defined]


def test_signing_in_with_the_old_password_ends_a_link(client: Client, member: User) -> None:
    ask_for_reset(client)
    sign_in(Client())
    assert "no longer good" in client.get(mailed_link()).content.decode()


def test_a_forged_link_is_refused(client: Client, member: User) -> None:
    ask_for_reset(client)
    link = mailed_link()
    assert "no longer good" in client.get(link[:-3] + "xx/").content.decode()


def test_a_link_of_one_account_is_no_good_for_another(client: Client, member: User, make_user: MakeUser) -> None:
    other = make_user(email="other@example.org", password=PASSWORD)
    ask_for_reset(client)
    mine = mailed_link()
    ask_for_reset(client, "other@example.org")
    theirs = mailed_link()
    spliced = theirs.rsplit("/", 2)[0] + "/" + theirs.rsplit("/", 2)[1].split("-", 1)[0] + "-" + mine.split("-", 1)[1]
    assert "no longer good" in client.get(spliced).content.decode()
    other.refresh_from_db()
    assert other.check_password(PASSWORD)


@pytest.mark.asvs("14.2.1")
def test_the_form_behind_a_link_is_at_an_address_without_the_token(client: Client, member: User) -> None:
    ask_for_reset(client)
    link = mailed_link()
    token = link.rsplit("-", 1)[1].strip("/")
    response = client.get(link)
    assert response.status_code == 302
    assert token not in response["Location"]
    assert token not in client.get(response["Location"]).content.decode()


@pytest.mark.asvs("6.2.1")
def test_a_weak_password_is_refused_there_too(client: Client, member: User) -> None:
    ask_for_reset(client)
    choose(client, mailed_link(), new="fourteen chars")
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1"])
def test_links_lead_to_the_site_whatever_host_the_request_claims(client: Client, member: User, host: str) -> None:
    client.post(reverse("account_reset_password"), {"email": EMAIL}, headers={"Host": host})
    for message in mail.outbox:
        assert "https://testserver/" in message.body
        assert host not in message.body


def test_a_disabled_account_gets_no_link(client: Client, member: User) -> None:
    User.objects.update(is_active=False)
    ask_for_reset(client)
    assert "/password/reset/key/" not in mail.outbox[-1].body
