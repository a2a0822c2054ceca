"""Argon2id with the parameters of RFC 9106's second recommended option."""

import pytest
from argon2 import extract_parameters, low_level
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    check_password,
    identify_hasher,
    make_password,
)
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.hashers import Argon2idHasher, weaknesses
from apps.accounts.models import User
from tests.accounts.cheap_hasher import CheapArgon2idHasher
from tests.accounts.steps import PASSWORD

REAL = ["apps.accounts.hashers.Argon2idHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.mark.asvs("11.4.2")
def test_the_parameters_are_rfc_9106s_second_choice_exactly() -> None:
    parameters = extract_parameters(Argon2idHasher().encode(PASSWORD, Argon2idHasher().salt()).removeprefix("argon2"))
    assert parameters.type is low_level.Type.ID
    assert parameters.memory_cost == 64 * 1024
    assert parameters.time_cost == 3
    assert parameters.parallelism == 4
    assert parameters.salt_len == 16
    assert parameters.hash_len == 32
    assert parameters.version == 0x13


def test_a_hash_agrees_with_the_library_that_django_does_not_go_through() -> None:
    encoded = CheapArgon2idHasher().encode(PASSWORD, "\x00\xff" * 8)
    raw = low_level.hash_secret(PASSWORD.encode(), b"\x00\xff" * 8, 1, 8, 1, 32, low_level.Type.ID)
    assert encoded == "argon2" + raw.decode()


def test_salts_are_sixteen_bytes_and_differ() -> None:
    salts = {Argon2idHasher().salt() for _ in range(50)}
    assert len(salts) == 50
    assert {len(salt.encode("latin-1")) for salt in salts} == {16}


@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
@settings(max_examples=40)
def test_every_password_fits_its_own_hash_and_no_longer_one(password: str) -> None:
    encoded = make_password(password)
    assert check_password(password, encoded)
    assert not check_password(password + "x", encoded)


@pytest.mark.asvs("6.2.8")
@pytest.mark.parametrize("other", [PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1]])
def test_case_and_every_space_counts(other: str) -> None:
    assert not check_password(other, make_password(PASSWORD))


@pytest.mark.asvs("6.2.8", "6.2.9")
def test_the_thousandth_character_counts() -> None:
    assert not check_password("a" * 999 + "c", make_password("a" * 999 + "b"))


def test_a_hash_fits_the_column_with_room_for_a_seal() -> None:
    column = User._meta.get_field("password")
    assert column.max_length == 512
    assert len(Argon2idHasher().encode("x" * 1024, Argon2idHasher().salt())) < 128


@pytest.mark.parametrize(
    "hasher",
    [
        Argon2PasswordHasher(),  # Django's parameters
        CheapArgon2idHasher(),
    ],
)
def test_other_parameters_are_read_and_due_for_an_update(hasher: Argon2PasswordHasher) -> None:
    encoded = hasher.encode(PASSWORD, hasher.salt())
    assert Argon2idHasher().verify(PASSWORD, encoded)
    assert Argon2idHasher().must_update(encoded)


def test_the_right_parameters_with_a_short_salt_are_due_for_an_update() -> None:
    assert Argon2idHasher().must_update(Argon2idHasher().encode(PASSWORD, "8 bytes!"))


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert not Argon2idHasher().must_update(Argon2idHasher().encode(PASSWORD, Argon2idHasher().salt()))


@pytest.mark.django_db
@override_settings(PASSWORD_HASHERS=REAL)
def test_an_imported_hash_is_replaced_when_its_owner_gives_the_password() -> None:
    user = User.objects.create_user("ana@example.org")
    User.objects.filter(pk=user.pk).update(password=PBKDF2PasswordHasher().encode(PASSWORD, "pinch of salt", 1000))
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    user.refresh_from_db()
    assert isinstance(identify_hasher(user.password), Argon2idHasher)
    assert not Argon2idHasher().must_update(user.password)


def test_weaknesses_are_named() -> None:
    assert weaknesses(Argon2idHasher()) == []
    assert weaknesses(PBKDF2PasswordHasher()) == ["it is not Argon2id"]
    assert weaknesses(CheapArgon2idHasher()) == [
        "time_cost is 1, below 3",
        "memory_cost is 8, below 65536",
        "parallelism is 1, below 4",
    ]
