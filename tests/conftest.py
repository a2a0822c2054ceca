"""First of all in a test run: chooses the database, sets Django up, and holds the fixtures that all tests share."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import django
import hypothesis
import pytest

from tests.services import database

database.choose()
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
django.setup()

from django.core.signals import setting_changed
from django.db import connection
from django.test import Client, TransactionTestCase

from apps.accounts.models import User
from apps.encryption import rings, subjects
from tests import factories

# A slow machine is no bug: no deadline for one example. CI runs the same examples each time.
hypothesis.settings.register_profile("rampart", deadline=None, derandomize="CI" in os.environ, print_blob=True)
hypothesis.settings.load_profile("rampart")

setting_changed.connect(rings.forget)  # overridden rings are read anew
MakeUser = Callable[..., User]
ClientFor = Callable[[User], Client]


def pytest_report_header() -> str:
    return f"database: {connection.vendor}"


@pytest.fixture(scope="session", autouse=True)
def _flush_lifts_the_append_only_triggers() -> Iterator[None]:
    """Tests with real transactions end with a flush, which the triggers of append-only tables would refuse."""
    from apps.audit.triggers import lifted

    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # private, the one place

    def flush_lifted(case: Any) -> None:
        with lifted():
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_lifted)
        yield


@pytest.fixture(autouse=True)
def _keys_of_persons_are_forgotten() -> Iterator[None]:
    """What a test rolled back is in no table, and the next one's persons may have the same keys."""
    yield
    subjects.forget()


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """`make_user(role="admin", email="ann@example.org", password="…")`; every argument may be left out."""
    return factories.make_user


@pytest.fixture
def owner(make_user: MakeUser) -> User:
    """Made what the test is about."""
    return make_user(email="owner@example.org")


@pytest.fixture
def colleague(make_user: MakeUser) -> User:
    """May be given a share of it."""
    return make_user(email="colleague@example.org")


@pytest.fixture
def stranger(make_user: MakeUser) -> User:
    """Is signed in, and has nothing to do with it."""
    return make_user(email="stranger@example.org")


@pytest.fixture
def administrator(make_user: MakeUser) -> User:
    """Has the role Admin."""
    return make_user(email="administrator@example.org", role="admin")


@pytest.fixture
def client_for() -> ClientFor:
    """`client_for(owner)`: a browser in which that user has signed in."""
    return factories.signed_in_client
