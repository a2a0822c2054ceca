from collections.abc import Callable

import pytest
from django.core.cache import cache

from apps.accounts.models import User
from tests.accounts.steps import EMAIL, PASSWORD, verify


@pytest.fixture(autouse=True)
def _rate_limits_start_anew() -> None:
    cache.clear()


@pytest.fixture
def member(make_user: Callable[..., User]) -> User:
    """Has proved their address, and can sign in with PASSWORD."""
    user = make_user(email=EMAIL, password=PASSWORD)
    verify(user)
    return user
