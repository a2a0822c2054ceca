"""The proof that a privileged role asks for: a sign-in, or a confirmed access, of a moment ago in this session."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.models import User
from config.security import step_up
from tests.conftest import MakeUser

PASSWORD = "correct horse battery staple 7"


@pytest.fixture
def user(make_user: MakeUser) -> User:
    return make_user(email="ann@example.org", password=PASSWORD)


def request_of(client: Client, user: User) -> Any:
    request = RequestFactory().get("/")
    request.session, request.user = client.session, user
    return request


@pytest.mark.asvs("7.5.3")
def test_who_has_just_signed_in_has_proved_it_and_not_for_long(
    user: User, client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    request = request_of(client, user)
    assert step_up.just_proved(request)
    now = step_up.time.time()
    monkeypatch.setattr(step_up.time, "time", lambda: now + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)
    assert not step_up.just_proved(request)


def test_another_sessions_proof_or_none_does_not_count(user: User, stranger: User, client: Client) -> None:
    assert not step_up.just_proved(request_of(client, user))
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert not step_up.just_proved(request_of(client, stranger))
