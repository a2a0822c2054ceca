"""Whether an address has an account is not told: not by words, not by status, not by the work done (ASVS 6.3.8)."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.hashers import Argon2idHasher
from apps.accounts.models import User
from tests.accounts.steps import EMAIL, PASSWORD, WRONG, ask_for_reset, sign_in, sign_up
from tests.conftest import MakeUser

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("6.3.8")]

UNKNOWN = "absent@example.org"  # as long as EMAIL


def seen(response: Any) -> tuple[int, str, str]:
    """What somebody at the other end has: status, where to, and the page without what differs between any two."""
    text = response.content.decode().replace(EMAIL, "ADDRESS").replace(UNKNOWN, "ADDRESS")
    text = re.sub(r'value="[A-Za-z0-9]{64}"', 'value="CSRF"', text)
    text = re.sub(r"<code>[^<]*</code>", "<code>REQUEST</code>", text)
    return response.status_code, response.get("Location", ""), text


@contextmanager
def hashing() -> Iterator[Counter[str]]:
    """Counts what costs time: one hash or verification takes longer than all the rest of a request."""
    counted: Counter[str] = Counter()
    real_encode, real_verify = Argon2idHasher.encode, Argon2idHasher.verify

    def encode(self: Argon2idHasher, password: str, salt: str) -> str:
        counted["hashes"] += 1
        return real_encode(self, password, salt)

    def verify(self: Argon2idHasher, password: str, encoded: str) -> bool:
        counted["hashes"] += 1
        return bool(real_verify(self, password, encoded))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Argon2idHasher, "encode", encode)
        patch.setattr(Argon2idHasher, "verify", verify)
        yield counted


def compare(known: Callable[[Client], Any], unknown: Callable[[Client], Any]) -> None:
    views, work = [], []
    for step in (known, unknown):
        cache.clear()
        mail.outbox.clear()
        client = Client()
        with hashing() as counted:
            response = step(client)
        page = client.get(response["Location"]) if response.status_code == 302 else response
        views.append((seen(response), seen(page)))
        work.append((counted["hashes"], len(mail.outbox)))
    assert views[0] == views[1]
    assert work[0] == work[1]


@pytest.mark.usefixtures("member")
def test_a_failed_sign_in_tells_nothing() -> None:
    compare(lambda c: sign_in(c, EMAIL, WRONG), lambda c: sign_in(c, UNKNOWN, WRONG))


@pytest.mark.usefixtures("member")
def test_a_lock_tells_nothing() -> None:
    def locked(email: str) -> Callable[[Client], Any]:
        return lambda c: [sign_in(c, email, WRONG) for _ in range(6)][-1]

    compare(locked(EMAIL), locked(UNKNOWN))


def test_a_failed_sign_in_does_not_tell_a_disabled_account_or_one_without_password(make_user: MakeUser) -> None:
    make_user(email=EMAIL, password=PASSWORD, is_active=False)
    compare(lambda c: sign_in(c, EMAIL, WRONG), lambda c: sign_in(c, UNKNOWN, WRONG))
    User.objects.all().delete()
    make_user(email=EMAIL)
    compare(lambda c: sign_in(c, EMAIL, WRONG), lambda c: sign_in(c, UNKNOWN, WRONG))


@pytest.mark.usefixtures("member")
def test_signing_up_with_a_taken_address_tells_nothing() -> None:
    compare(lambda c: sign_up(c, EMAIL), lambda c: sign_up(c, UNKNOWN))


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize("codes", [1, 2, 3])
def test_neither_does_what_follows_it(codes: int) -> None:
    def guess(email: str) -> Callable[[Client], Any]:
        def step(client: Client) -> Any:
            sign_up(client, email)
            return [client.post(reverse("account_email_verification_sent"), {"code": "B-C"}) for _ in range(codes)][-1]

        return step

    compare(guess(EMAIL), guess(UNKNOWN))


@pytest.mark.usefixtures("member")
def test_nor_asking_for_another_code() -> None:
    def again(email: str) -> Callable[[Client], Any]:
        def step(client: Client) -> Any:
            sign_up(client, email)
            return client.post(reverse("account_email_verification_sent"), {"action": "resend"})

        return step

    compare(again(EMAIL), again(UNKNOWN))


@pytest.mark.usefixtures("member")
def test_a_reset_tells_nothing() -> None:
    compare(lambda c: ask_for_reset(c, EMAIL), lambda c: ask_for_reset(c, UNKNOWN))


@pytest.mark.usefixtures("member")
def test_neither_does_a_sixth_reset_in_a_minute() -> None:
    def many(email: str) -> Callable[[Client], Any]:
        return lambda c: [ask_for_reset(c, email) for _ in range(6)][-1]

    compare(many(EMAIL), many(UNKNOWN))


def test_the_owner_of_a_taken_address_is_told_and_keeps_the_password(client: Client, member: User) -> None:
    sign_up(client, EMAIL, "an intruder's own choice")
    (message,) = mail.outbox
    assert message.to == [EMAIL]
    assert "There is one already" in message.body
    member.refresh_from_db()
    assert member.check_password(PASSWORD)


def test_a_reset_for_nobody_says_so_in_the_mailbox_alone(client: Client) -> None:
    ask_for_reset(client, UNKNOWN)
    (message,) = mail.outbox
    assert message.to == [UNKNOWN]
    assert "There is none" in message.body
