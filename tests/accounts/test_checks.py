"""Weak settings of sign-in stop the start, and say what to do."""

from datetime import timedelta

import pytest
from django.test import override_settings

from apps.accounts.checks import hashing_is_strong, lock_out_ends, signup_mode_is_known


@override_settings(PASSWORD_HASHERS=["apps.accounts.hashers.Argon2idHasher"])
def test_the_kits_hasher_passes() -> None:
    assert hashing_is_strong() == []


@pytest.mark.asvs("11.4.2")
@pytest.mark.parametrize(
    ("hasher", "complaint"),
    [
        ("django.contrib.auth.hashers.MD5PasswordHasher", "it is not Argon2id"),
        ("django.contrib.auth.hashers.PBKDF2PasswordHasher", "it is not Argon2id"),
        ("django.contrib.auth.hashers.Argon2PasswordHasher", "time_cost is 2, below 3"),
        ("tests.accounts.cheap_hasher.CheapArgon2idHasher", "memory_cost is 8, below 65536"),
    ],
)
def test_weaker_hashing_is_an_error(hasher: str, complaint: str) -> None:
    with override_settings(PASSWORD_HASHERS=[hasher]):
        (error,) = hashing_is_strong()
    assert error.id == "accounts.E001"
    assert complaint in error.msg
    assert "PASSWORD_HASHERS" in str(error.hint)


@pytest.mark.parametrize("mode", ["open", "invitation", "closed"])
def test_the_three_modes_of_sign_up_are_known(mode: str) -> None:
    with override_settings(ACCOUNT_SIGNUP=mode):
        assert signup_mode_is_known() == []


@override_settings(ACCOUNT_SIGNUP="opne")
def test_a_misspelled_mode_is_an_error_that_names_the_right_ones() -> None:
    (error,) = signup_mode_is_known()
    assert error.id == "accounts.E002"
    assert "'opne'" in error.msg
    assert "open, invitation, closed" in str(error.hint)


@pytest.mark.parametrize(("cool_off", "limit"), [(None, 4), (timedelta(minutes=15), 10)])
def test_a_lock_for_ever_or_behind_allauths_limit_is_an_error(cool_off: timedelta | None, limit: int) -> None:
    with override_settings(AXES_COOLOFF_TIME=cool_off, AXES_FAILURE_LIMIT=limit):
        (error,) = lock_out_ends()
    assert error.id == "accounts.E003"


def test_the_kits_lock_out_passes() -> None:
    assert lock_out_ends() == []
