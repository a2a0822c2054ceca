"""People, groups and assignments in the admin: nobody gains rights there that the services would not give him."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import User
from apps.rbac.models import RoleAssignment
from tests.conftest import ClientFor
from tests.rbac.admin import HOME, url
from tests.rbac.conftest import Told


@pytest.mark.asvs("8.2.1", "8.2.3")
@pytest.mark.parametrize(
    "field", ["is_superuser", "is_staff", "is_active", "groups", "email", "password", "user_permissions"]
)
def test_who_may_change_people_can_neither_promote_nor_lock_them(
    field: str, clerks: Client, clerk: User, stranger: User, told: list[Told]
) -> None:
    group = Group.objects.create(name="Board")
    for person in (stranger, clerk):
        before, posted = User.objects.values().get(pk=person.pk), {"name": "Renamed"}
        posted[field] = str(group.pk) if field == "groups" else "" if field == "is_active" else "on"
        told.clear()
        assert clerks.post(url(person), posted).status_code == 403
        assert User.objects.values().get(pk=person.pk) == before
        assert not person.groups.exists()
        [refusal] = told
        assert (refusal.name, refusal.outcome) == ("access_refused", "denied")
        assert field in refusal.reason


def test_a_clerk_may_correct_a_name_and_sees_no_hash(clerks: Client, stranger: User) -> None:
    stranger.set_password("a long enough password 4711")
    stranger.save()
    page = clerks.get(url(stranger)).content.decode()
    assert "password" not in page
    assert "argon2" not in page
    assert clerks.post(url(stranger), {"name": "Sam"}).status_code == 302
    assert User.objects.get(pk=stranger.pk).name == "Sam"


def full(user: User, **changed: Any) -> dict[str, Any]:
    return {"name": user.name, "is_active": "on"} | changed


def test_who_manages_roles_changes_flags_and_groups_of_others_through_the_guard(
    client_for: ClientFor, administrator: User, stranger: User, told: list[Told]
) -> None:
    group = Group.objects.create(name="Board")
    browser = client_for(administrator)
    assert browser.post(url(stranger), full(stranger, groups=[str(group.pk)])).status_code == 302
    assert list(stranger.groups.all()) == [group]
    assert "group_joined" in [each.name for each in told]
    assert browser.post(url(stranger), full(stranger, is_superuser="on")).status_code == 302
    assert User.objects.get(pk=stranger.pk).is_superuser
    assert not stranger.groups.exists()


@pytest.mark.asvs("8.2.1")
def test_not_even_who_manages_roles_changes_his_own(client_for: ClientFor, administrator: User) -> None:
    group = Group.objects.create(name="Board")
    browser = client_for(administrator)
    for forged in ({"is_superuser": "on"}, {"groups": [str(group.pk)]}):
        assert browser.post(url(administrator), full(administrator, **forged)).status_code == 403
    administrator.refresh_from_db()
    assert not administrator.is_superuser
    assert not administrator.groups.exists()


def test_the_guard_refuses_for_an_inactive_account_and_nothing_else_is_kept(
    client_for: ClientFor, administrator: User, stranger: User
) -> None:
    group = Group.objects.create(name="Board")
    stranger.is_active = False
    stranger.save()
    posted = {"name": "Renamed", "groups": [str(group.pk)]}
    assert client_for(administrator).post(url(stranger), posted).status_code == 403
    assert User.objects.get(pk=stranger.pk).name != "Renamed"


def test_an_account_made_here_has_no_password_and_no_rights(clerks: Client) -> None:
    posted = {"email": "new@example.org", "name": "New"}
    for forged in ({"is_superuser": "on"}, {"password": "x"}):
        assert clerks.post(f"{HOME}accounts/user/add/", posted | forged).status_code == 403
    assert not User.objects.filter(email="new@example.org").exists()
    assert clerks.post(f"{HOME}accounts/user/add/", posted).status_code == 302
    made = User.objects.get(email="new@example.org")
    assert not made.has_usable_password()
    assert not made.is_superuser


def test_people_and_groups_are_not_deleted_here(client_for: ClientFor, administrator: User, stranger: User) -> None:
    group = Group.objects.create(name="Board")
    for each in (stranger, group):
        assert client_for(administrator).post(url(each, "delete"), {"post": "yes"}).status_code == 403
    assert Group.objects.exists()


def test_a_group_has_a_name_here_and_no_permissions(clerks: Client) -> None:
    group = Group.objects.create(name="Board")
    assert b"permissions" not in clerks.get(url(group)).content
    assert clerks.post(url(group), {"name": "Council", "permissions": "1"}).status_code == 403
    assert clerks.post(url(group), {"name": "Council"}).status_code == 302
    group.refresh_from_db()
    assert group.name == "Council"
    assert not group.permissions.exists()


def test_assignments_can_be_read_and_not_written(clerks: Client, clerk: User) -> None:
    assignment = RoleAssignment.objects.filter(user=clerk).first()
    assert assignment is not None
    assert clerks.get(f"{HOME}rbac/roleassignment/").status_code == 200
    assert clerks.get(url(assignment)).status_code == 200
    assert clerks.post(url(assignment), {"role": "admin"}).status_code == 403
    assert clerks.post(url(assignment, "delete"), {"post": "yes"}).status_code == 403
    assert clerks.post(f"{HOME}rbac/roleassignment/add/", {"role": "admin", "user": str(clerk.pk)}).status_code == 403
