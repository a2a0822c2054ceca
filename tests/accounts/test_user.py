"""The user: one account an address, in whatever case it is written."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def test_an_address_is_kept_in_lower_case() -> None:
    assert User.objects.create_user(" Ana.Lima@Example.ORG ").email == "ana.lima@example.org"


def test_saving_lowers_the_case_too() -> None:
    user = User.objects.create_user("ana@example.org")
    user.email = "ANA@Example.org"
    user.save()
    user.refresh_from_db()
    assert user.email == "ana@example.org"


def test_a_second_account_with_another_case_is_refused() -> None:
    User.objects.create_user("ana@example.org")
    with pytest.raises(ValidationError, match="already exists"):
        User.objects.create_user("ANA@example.org")


def test_the_database_refuses_another_case_even_when_save_is_gone_round() -> None:
    User.objects.create_user("ana@example.org")
    other = User.objects.create_user("ben@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=other.pk).update(email="ANA@example.org")


@pytest.mark.parametrize("address", ["", "ana", "ana@", "@example.org", "ana@example.org\nBcc: x@example.org"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        User.objects.create_user(address)


def test_without_a_password_no_password_fits() -> None:
    user = User.objects.create_user("ana@example.org")
    assert not user.has_usable_password()
    assert not user.check_password("")


def test_a_user_is_found_by_any_spelling_of_the_address() -> None:
    user = User.objects.create_user("ana@example.org")
    assert User.objects.get_by_natural_key("ANA@EXAMPLE.org") == user


def test_keys_are_version_7_uuids_so_that_they_sort_by_age() -> None:
    first, second = (User.objects.create_user(f"user{number}@example.org") for number in (1, 2))
    assert isinstance(first.pk, uuid.UUID)
    assert first.pk.version == 7
    assert first.pk < second.pk


def test_a_superuser_is_one_by_name_only_when_asked_for() -> None:
    assert User.objects.create_superuser("root@example.org", None).is_superuser
    assert not User.objects.create_user("ana@example.org").is_superuser


def test_a_user_shows_as_their_address() -> None:
    assert str(User.objects.create_user("ana@example.org")) == "ana@example.org"
