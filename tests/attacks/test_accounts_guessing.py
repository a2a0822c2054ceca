"""Guessing passwords: from one place, from many, for many accounts. Each attack is stopped, and seen."""

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from tests.accounts.steps import EMAIL, PASSWORD, is_signed_in, sign_in, verify
from tests.conftest import ClientFor, MakeUser

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("6.3.1")]

GUESSES = [f"correct horse battery {number}" for number in range(40)]


@pytest.fixture(autouse=True)
def target(make_user: MakeUser) -> User:
    cache.clear()
    user = make_user(email=EMAIL, password=PASSWORD)
    verify(user)
    return user


def looked_at() -> int:
    """How many guesses were compared with a password at all."""
    return Event.objects.filter(action="accounts.sign_in.failed", outcome="failure").count()


def test_a_dictionary_from_one_address_gets_four_guesses_and_is_on_record(target: User) -> None:
    attacker = Client(REMOTE_ADDR="203.0.113.66")
    answers = [sign_in(attacker, password=guess).status_code for guess in [*GUESSES, PASSWORD]]
    assert answers[4:] == [429] * (len(answers) - 4)
    assert not is_signed_in(attacker)
    assert looked_at() == 4
    locked = Event.objects.get(action="accounts.sign_in.locked")
    assert (locked.outcome, locked.severity, locked.ip) == ("denied", "warning", "203.0.113.66")
    assert locked.target_id == str(target.pk)


def test_a_new_browser_each_time_is_the_same_attacker() -> None:
    for number, guess in enumerate(GUESSES):
        sign_in(Client(REMOTE_ADDR="203.0.113.66", HTTP_USER_AGENT=f"browser {number}"), password=guess)
    assert looked_at() == 4


def test_a_dictionary_from_many_addresses_gets_five_guesses_in_five_minutes() -> None:
    answers = [
        sign_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), password=guess).status_code
        for number, guess in enumerate(GUESSES)
    ]
    assert looked_at() == 5
    assert answers[5:] == [429] * (len(GUESSES) - 5)
    assert Event.objects.filter(action="accounts.sign_in.throttled").count() == len(GUESSES) - 5


def test_one_password_for_many_accounts_gets_ten_guesses_a_minute() -> None:
    attacker = Client(REMOTE_ADDR="203.0.113.66")
    for number in range(25):
        sign_in(attacker, email=f"user{number}@example.org", password="summer holidays 2026")
    assert looked_at() == 10


def test_who_guesses_does_not_keep_the_owner_out() -> None:
    attacker = Client(REMOTE_ADDR="203.0.113.66")
    for guess in GUESSES:
        sign_in(attacker, password=guess)
    owner = Client(REMOTE_ADDR="198.51.100.1")
    sign_in(owner)
    assert is_signed_in(owner)


def test_a_stolen_session_gets_no_more_guesses_from_the_page_that_changes_the_password(
    target: User, client_for: ClientFor
) -> None:
    thief = client_for(target)
    for guess in GUESSES:
        cache.clear()  # a minute passes: allauth's own limit of this page is all that held there before
        new = {"oldpassword": guess, "password1": "a thief's own choice", "password2": "a thief's own choice"}
        answer = thief.post("/accounts/password/change/", new)
    assert answer.status_code == 429
    assert looked_at() == 4
    assert Event.objects.filter(action="accounts.sign_in.locked", target_id=str(target.pk)).count() == 1
