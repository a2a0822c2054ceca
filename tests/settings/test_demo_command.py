"""`manage.py demo`: accounts to try the kit with, and never in production."""

import re
from io import StringIO
from types import ModuleType

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from apps.accounts.models import User
from apps.rbac.models import RoleAssignment
from config.management.commands import demo
from tests.accounts.steps import is_signed_in, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_app_brings_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that these tests hold whatever apps are installed."""
    monkeypatch.setattr(demo, "demo_data", list)


def run(*arguments: str) -> str:
    output = StringIO()
    with override_settings(DEMO=True):
        call_command("demo", *arguments, stdout=output)
    return output.getvalue()


def passwords(output: str) -> dict[str, str]:
    return dict(re.findall(r"(\S+@example\.org) +(\S+-\S+-\S+-\S+)", output))


def roles(user: User) -> set[str]:
    return set(RoleAssignment.objects.in_force().filter(user=user).values_list("role_id", flat=True))


def test_there_is_an_account_for_each_seed_role_and_one_more_to_share_with() -> None:
    run()
    assert {user.email: roles(user) for user in User.objects.all()} == {
        "admin@example.org": {"admin", "user"},
        "ana@example.org": {"user"},
        "ben@example.org": {"user"},
        "gil@example.org": {"guest"},
    }


def test_each_printed_password_signs_in() -> None:
    cache.clear()
    printed = passwords(run())
    assert len(set(printed.values())) == 4
    for email, password in printed.items():
        client = Client()
        sign_in(client, email=email, password=password)
        assert is_signed_in(client), email


def test_the_address_is_printed() -> None:
    assert "http://localhost:8123/" in run("--address", "http://localhost:8123/")


def test_a_second_run_keeps_accounts_and_passwords_and_says_how_to_get_new_ones() -> None:
    run()
    before = list(User.objects.values_list("pk", "password").order_by("pk"))
    again = run()
    assert list(User.objects.values_list("pk", "password").order_by("pk")) == before
    assert passwords(again) == {}
    assert "manage.py demo --new-passwords" in again


def test_new_passwords_replace_the_old_ones_of_the_same_accounts() -> None:
    old, users = passwords(run()), set(User.objects.values_list("pk", flat=True))
    new = passwords(run("--new-passwords"))
    assert set(User.objects.values_list("pk", flat=True)) == users
    for email, password in new.items():
        user = User.objects.get(email=email)
        assert user.check_password(password)
        assert not user.check_password(old[email])


def test_an_account_that_was_deleted_is_made_again_and_only_its_password_is_shown() -> None:
    run()
    User.objects.get(email="ben@example.org").delete()
    assert list(passwords(run())) == ["ben@example.org"]


@pytest.mark.asvs("6.3.2")
def test_nothing_is_made_where_the_settings_are_not_local() -> None:
    with override_settings(DEMO=False), pytest.raises(CommandError, match="local"):
        call_command("demo")
    assert not User.objects.exists()


def test_apps_bring_their_own_data(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[list[str]] = []
    module = ModuleType("demo")
    module.load = lambda users: loaded.append(sorted(users))  # type: ignore[attr-defined]
    monkeypatch.setattr(demo, "demo_data", lambda: [module.load])
    run()
    run()
    assert loaded == [["admin", "ana", "ben", "gil"]] * 2


def test_when_an_apps_data_fails_nothing_is_left_half_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(users: object) -> None:
        raise RuntimeError("no disk")

    monkeypatch.setattr(demo, "demo_data", lambda: [fail])
    with pytest.raises(RuntimeError, match="no disk"):
        run()
    assert not User.objects.exists()
