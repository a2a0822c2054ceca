"""Signing up, where it is open; proving the address by a mailed code."""

import math
import time

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import User
from tests.accounts.steps import EMAIL, PASSWORD, is_signed_in, mailed_code, sign_in, sign_up

pytestmark = pytest.mark.django_db

CODE_PAGE = "account_email_verification_sent"
NEW = "new@example.org"


def test_sign_up_prove_the_address_and_be_signed_in(client: Client) -> None:
    assert sign_up(client, NEW)["Location"] == reverse(CODE_PAGE)
    assert not is_signed_in(client)
    response = client.post(reverse(CODE_PAGE), {"code": mailed_code()})
    assert response.status_code == 302
    assert is_signed_in(client)
    assert EmailAddress.objects.get(user__email=NEW).verified


def test_without_the_code_nobody_signs_in(client: Client) -> None:
    sign_up(client, NEW)
    sign_in(Client(), email=NEW)
    assert not is_signed_in(client)
    assert client.get(reverse("accounts:profile")).status_code == 302


def test_a_wrong_code_does_not_prove_the_address(client: Client) -> None:
    sign_up(client, NEW)
    response = client.post(reverse(CODE_PAGE), {"code": "BBBB-BBBB"})
    assert response.status_code == 200
    assert "Incorrect code" in response.content.decode()
    assert not is_signed_in(client)


@pytest.mark.asvs("6.6.3")
def test_after_three_wrong_codes_the_right_one_is_worthless(client: Client) -> None:
    sign_up(client, NEW)
    code = mailed_code()
    for _ in range(3):
        client.post(reverse(CODE_PAGE), {"code": "BBBB-BBBB"})
    client.post(reverse(CODE_PAGE), {"code": code})
    assert not is_signed_in(client)


@pytest.mark.asvs("6.5.5")
@pytest.mark.parametrize(("seconds", "good"), [(590, True), (610, False)])
def test_a_code_is_good_for_ten_minutes(
    client: Client, seconds: int, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_up(client, NEW)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    client.post(reverse(CODE_PAGE), {"code": mailed_code()})
    assert is_signed_in(client) is good


@pytest.mark.asvs("6.6.2")
def test_a_code_is_of_no_use_in_another_browser(client: Client) -> None:
    sign_up(client, NEW)
    elsewhere = Client()
    elsewhere.post(reverse(CODE_PAGE), {"code": mailed_code()})
    assert not is_signed_in(elsewhere)


@pytest.mark.asvs("6.5.1")
def test_a_code_proves_an_address_once(client: Client) -> None:
    sign_up(client, NEW)
    code = mailed_code()
    client.post(reverse(CODE_PAGE), {"code": code})
    client.post(reverse("account_logout"))
    client.post(reverse(CODE_PAGE), {"code": code})
    assert not is_signed_in(client)


@pytest.mark.asvs("6.5.3", "6.5.4")
def test_a_code_has_more_than_thirty_bits() -> None:
    codes = {get_adapter().generate_email_verification_code() for _ in range(300)}
    assert len(codes) == 300
    letters = {letter for code in codes for letter in code.replace("-", "")}
    assert {len(code.replace("-", "")) for code in codes} == {8}
    assert 8 * math.log2(len(letters)) > 30


@pytest.mark.parametrize("mode", ["invitation", "closed", "anything else"])
def test_where_sign_up_is_not_open_nobody_signs_up(client: Client, mode: str) -> None:
    with override_settings(ACCOUNT_SIGNUP=mode):
        assert "Sign-up is closed" in client.get(reverse("account_signup")).content.decode()
        assert "Sign-up is closed" in sign_up(client, NEW).content.decode()
        assert reverse("account_signup") not in client.get(reverse("account_login")).content.decode()
    assert not User.objects.filter(email=NEW).exists()
    assert mail.outbox == []


def test_where_sign_up_is_open_the_sign_in_page_leads_there(client: Client) -> None:
    assert reverse("account_signup") in client.get(reverse("account_login")).content.decode()


@pytest.mark.parametrize(
    "address", ["no address", "a@b", "new@example.org\r\nBcc: x@example.org", "a" * 250 + "@example.org"]
)
def test_a_malformed_address_is_refused_in_the_form(client: Client, address: str) -> None:
    response = sign_up(client, address)
    assert response.status_code == 200
    assert "email" in response.context["form"].errors
    assert mail.outbox == []


def test_an_address_too_long_for_the_column_is_refused_and_not_cut_short(client: Client) -> None:
    domain = ".".join(["d" * 60] * 4)
    response = sign_up(client, f"{'a' * 40}@{domain}.org")
    assert "at most 254 characters" in str(response.context["form"].errors["email"])
    assert not User.objects.exists()


@pytest.mark.asvs("6.2.1")
def test_fourteen_characters_are_too_few(client: Client) -> None:
    assert "at least 15 characters" in str(sign_up(client, NEW, "x7!Kq2$Zp9#Lm4").context["form"].errors)


@pytest.mark.asvs("6.2.5", "6.2.9")
@pytest.mark.parametrize(
    "password",
    ["a   b   c   d   e", "fifteen letters", "739184620571938", "пятнадцать букв", "ab " * 30, "q" + "z8" * 511],
)
def test_any_composition_of_fifteen_to_1024_characters_will_do(client: Client, password: str) -> None:
    assert sign_up(client, NEW, password)["Location"] == reverse(CODE_PAGE)
    assert User.objects.get(email=NEW).check_password(password)


@pytest.mark.asvs("6.2.11")
def test_ones_own_address_is_no_password(client: Client) -> None:
    response = sign_up(client, "bartholomew.smith@example.org", "bartholomew.smith")
    assert "too similar to the email address" in str(response.context["form"].errors)


def test_a_common_password_is_refused(client: Client) -> None:
    assert "too common" in str(sign_up(client, NEW, "manchesterunited").context["form"].errors)


def test_a_password_of_nearly_a_megabyte_is_refused_without_hashing_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_it(*args: object, **kwargs: object) -> str:
        raise AssertionError("it was hashed")

    monkeypatch.setattr("apps.accounts.hashers.Argon2idHasher.encode", hash_it)
    response = sign_up(client, NEW, "p" * 900_000)
    assert "at most 1024 characters" in str(response.context["form"].errors["password1"])
    response = sign_in(client, EMAIL, "p" * 900_000)
    assert "at most 1024 characters" in str(response.context["form"].errors["password"])


@pytest.mark.asvs("15.2.2")
def test_a_body_of_more_than_a_megabyte_is_refused_before_it_is_parsed(client: Client) -> None:
    assert sign_up(client, NEW, "p" * 2_500_000).status_code == 413


def test_a_new_code_replaces_the_old_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_up(client, NEW)
    old = mailed_code()
    cache.clear()  # only one mail in ten seconds
    client.post(reverse(CODE_PAGE), {"action": "resend"})
    assert len(mail.outbox) == 2
    assert mailed_code() != old
    client.post(reverse(CODE_PAGE), {"code": old})
    assert not is_signed_in(client)
    client.post(reverse(CODE_PAGE), {"code": mailed_code()})
    assert is_signed_in(client)


def test_signing_up_again_and_again_is_slowed_down(client: Client) -> None:
    for number in range(20):
        sign_up(Client(), f"user{number}@example.org", "too short")
    response = sign_up(client, NEW)
    assert response.status_code == 429
    assert int(response["Retry-After"]) == 60
    assert not User.objects.exists()


def test_who_mistyped_the_address_can_start_again(client: Client) -> None:
    sign_up(client, "mistyped@example.org")
    client.post(reverse("account_logout"), {"next": reverse("account_login")})
    assert client.get(reverse("account_signup")).status_code == 200
    assert sign_up(client, NEW, PASSWORD)["Location"] == reverse(CODE_PAGE)
