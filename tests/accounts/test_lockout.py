"""The lock that guessing runs into: who it counts as one, whom it leaves alone, when it ends."""

from datetime import timedelta
from unittest import mock

import pytest
from allauth.account.models import EmailAddress
from axes.models import AccessAttempt
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts import lockout
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
    verify,
)
from tests.conftest import MakeUser

pytestmark = pytest.mark.django_db

LIMIT = 4
OTHER_ADDRESS = "198.51.100.7"


def fail(client: Client, times: int, email: str = EMAIL, **extra: str) -> None:
    for _ in range(times):
        sign_in(client, email=email, password=WRONG, **extra)


@pytest.mark.asvs("6.3.1")
def test_once_locked_even_the_right_password_is_refused(client: Client, member: User) -> None:
    fail(client, LIMIT)
    response = sign_in(client)
    assert response.status_code == 429
    assert not is_signed_in(client)


def test_one_failure_below_the_limit_locks_nobody(client: Client, member: User) -> None:
    fail(client, LIMIT - 1)
    sign_in(client)
    assert is_signed_in(client)


def test_the_failure_that_reaches_the_limit_is_told_at_once(client: Client, member: User) -> None:
    fail(client, LIMIT - 1)
    assert sign_in(client, password=WRONG).status_code == 429


def test_the_refusal_says_when_to_come_back(client: Client, member: User) -> None:
    fail(client, LIMIT)
    response = sign_in(client)
    assert 880 <= int(response["Retry-After"]) <= 900
    assert "15 minutes" in response.content.decode()
    assert "Access-Control-Allow-Origin" not in response


def test_the_refusal_tells_a_script_nothing_more(client: Client, member: User) -> None:
    fail(client, LIMIT)
    response = sign_in(client, headers={"X-Requested-With": "XMLHttpRequest"})
    assert response.status_code == 429
    assert "Access-Control-Allow-Origin" not in response
    assert EMAIL not in response.content.decode()


def test_every_further_attempt_is_refused_in_the_same_way(client: Client, member: User) -> None:
    fail(client, LIMIT)
    assert [sign_in(client, password=WRONG).status_code for _ in range(8)] == [429] * 8


def test_the_lock_ends_by_itself_though_somebody_goes_on_trying(client: Client, member: User) -> None:
    fail(client, LIMIT + 3)
    later = timezone.now() + timedelta(minutes=15, seconds=1)
    with mock.patch("axes.handlers.proxy.now", return_value=later):
        sign_in(client)
    assert is_signed_in(client)


def test_the_lock_does_not_end_early(client: Client, member: User) -> None:
    fail(client, LIMIT)
    cache.clear()  # allauth's limits are forgotten, the lock is not
    later = timezone.now() + timedelta(minutes=14)
    with mock.patch("axes.handlers.proxy.now", return_value=later):
        assert sign_in(client).status_code == 429


def test_a_stranger_at_one_address_does_not_lock_the_owner_out(client: Client, member: User) -> None:
    fail(client, 30, REMOTE_ADDR=OTHER_ADDRESS)
    sign_in(client)
    assert is_signed_in(client)


def test_signing_in_to_ones_own_account_does_not_reset_the_count_for_another(
    client: Client, member: User, make_user: MakeUser
) -> None:
    attacker = make_user(email="attacker@example.org", password=PASSWORD)
    verify(attacker)
    for _ in range(LIMIT):
        fail(client, 1)
        own = Client()
        sign_in(own, email=attacker.email)
        assert is_signed_in(own)
    assert sign_in(client).status_code == 429


@pytest.mark.parametrize(
    "spelling", ["MEMBER@EXAMPLE.ORG", "Member@example.org", " member@example.org", "member@\uff45xample.org"]
)
def test_spellings_of_one_address_share_the_lock(client: Client, member: User, spelling: str) -> None:
    fail(client, LIMIT, email=spelling)
    assert sign_in(client).status_code == 429


def test_success_forgets_earlier_failures(client: Client, member: User) -> None:
    for _ in range(3):
        fail(client, LIMIT - 1)
        cache.clear()
        sign_in(client)
        assert is_signed_in(client)
        client.logout()


def test_a_forged_header_does_not_make_another_caller(client: Client, member: User) -> None:
    for number in range(LIMIT):
        fail(client, 1, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert sign_in(client, HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 429


def test_the_password_again_counts_as_an_attempt_too(client: Client, member: User) -> None:
    """Whoever has got hold of a session must not find out the password by asking the confirmation page."""
    sign_in(client)
    for _ in range(LIMIT):
        client.post(reverse("account_reauthenticate"), {"password": WRONG})
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 429


def test_a_reset_by_mail_opens_the_lock_for_who_did_it(client: Client, member: User) -> None:
    fail(client, LIMIT)
    cache.clear()  # allauth's limit, which would count both together
    fail(Client(), LIMIT, REMOTE_ADDR=OTHER_ADDRESS)
    ask_for_reset(client)
    form = client.get(mailed_link())["Location"]
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert sign_in(Client(), password=NEW_PASSWORD, REMOTE_ADDR=OTHER_ADDRESS).status_code == 429
    sign_in(client, password=NEW_PASSWORD)
    assert is_signed_in(client)


def test_only_ones_own_password_confirms_that_it_is_oneself(client: Client, member: User, make_user: MakeUser) -> None:
    """Though the address be proved for somebody else meanwhile, as a faulty import may leave it."""
    sign_in(client)
    other = make_user(email="other@example.org", password=NEW_PASSWORD)
    EmailAddress.objects.filter(user=member).update(user=other)
    before = client.session.session_key
    response = client.post(reverse("account_reauthenticate"), {"password": NEW_PASSWORD})
    assert response.status_code == 200
    assert client.session.session_key == before


@pytest.mark.asvs("16.2.5")
def test_what_is_kept_of_an_attempt_holds_no_password_token_or_address(client: Client, member: User) -> None:
    client.post(
        reverse("account_login"), {"login": EMAIL, "password": WRONG, "csrfmiddlewaretoken": "t0ken", "code": "ABCD"}
    )
    kept = AccessAttempt.objects.get()
    for secret in (WRONG, "t0ken", "ABCD", EMAIL):
        assert secret not in kept.post_data


def test_a_name_that_grows_under_normalization_still_fits_the_column(client: Client, member: User) -> None:
    long = "a@" + "ﷺ" * 60 + ".example"
    assert len(lockout.username(RequestFactory().post("/"), {"email": long})) == 255
    assert sign_in(client, email=long, password=WRONG).status_code == 200


@given(text=st.text(max_size=300), field=st.sampled_from(["email", "username"]))
def test_normalizing_is_stable_and_never_too_long(text: str, field: str) -> None:
    request = RequestFactory().post("/")
    once = lockout.username(request, {field: text})
    assert len(once) <= 255
    if len(once) < 200:  # cutting may split what would combine
        assert lockout.username(request, {field: once}) == once


@pytest.mark.parametrize("field", ["login", "username"])
def test_the_name_is_found_in_the_form_when_there_are_no_credentials(field: str) -> None:
    assert lockout.username(RequestFactory().post("/", {field: "Ana@Example.org"})) == "ana@example.org"


def test_no_address_is_none_rather_than_an_empty_text_that_all_would_share() -> None:
    assert lockout.client_ip(RequestFactory(REMOTE_ADDR="").get("/")) is None
