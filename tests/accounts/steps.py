"""What people do on the pages of sign-in."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User

EMAIL = "member@example.org"
PASSWORD = "seven quiet herons on a wire"
NEW_PASSWORD = "three loud magpies in the rain"
WRONG = "not the password of anybody"


def verify(user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra)


def sign_up(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post(reverse("account_signup"), {"email": email, "password1": password})


def ask_for_reset(client: Client, email: str = EMAIL) -> Any:
    return client.post(reverse("account_reset_password"), {"email": email})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def mailed_code() -> str:
    """The code in the newest mail."""
    found = re.search(r"^ {4}([A-Z-]{5,})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found, mail.outbox[-1].body
    return found.group(1)


def mailed_link() -> str:
    """The path of the reset link in the newest mail."""
    found = re.search(r"https://testserver(/accounts/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found.group(1)
