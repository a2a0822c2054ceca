"""The last who can give roles is not let go, by any way out; with another one there, each of the ways is open."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role, assign_role_as_system, revoke_role
from apps.rbac.decisions import check
from apps.rbac.errors import LastAdministrator
from tests.conftest import MakeUser
from tests.rbac.conftest import Told


@pytest.fixture
def last(make_user: MakeUser) -> User:
    return make_user(email="last@example.org")


@pytest.fixture
def admins(last: User) -> Group:
    """A group by which `last` is an administrator, the only one."""
    group = Group.objects.create(name="Administrators")
    last.groups.add(group)
    assign_role_as_system("admin", group, reason="test")
    return group


def save(user: User, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(user, name, value)
    user.save()


BY_GROUP: dict[str, Callable[[User, Group], Any]] = {
    "leaving the group": lambda last, group: last.groups.remove(group),
    "being taken out of it": lambda last, group: group.user_set.remove(last),
    "a set of groups without it": lambda last, group: last.groups.set([]),
    "no group any more": lambda last, group: last.groups.clear(),
    "no member any more": lambda last, group: group.user_set.clear(),
    "the group deleted": lambda last, group: group.delete(),
    "all groups deleted": lambda last, group: Group.objects.all().delete(),
    "switched off": lambda last, group: save(last, is_active=False),
    "deleted": lambda last, group: last.delete(),
    "deleted with all the others": lambda last, group: User.objects.all().delete(),
}


@pytest.mark.parametrize("way", BY_GROUP)
def test_the_last_administrator_stays(way: str, last: User, admins: Group, told: list[Told]) -> None:
    with pytest.raises(LastAdministrator, match="Give somebody else"), transaction.atomic():
        BY_GROUP[way](last, admins)
    last.refresh_from_db()
    assert check(last, "rbac.manage")
    assert [each.details["rule"] for each in told if each.name == "grant_refused"] == ["LastAdministrator"]


@pytest.mark.parametrize("way", [way for way in BY_GROUP if way != "deleted with all the others"])
def test_with_another_one_he_may_go(way: str, last: User, admins: Group, make_user: MakeUser) -> None:
    make_user(role="admin")
    BY_GROUP[way](last, admins)
    assert not check(User.objects.filter(pk=last.pk).first() or User(is_active=False), "rbac.manage")


@pytest.fixture
def manager(registry: Any, make_user: MakeUser) -> User:
    """May take roles, but is himself an administrator for a day only."""
    made = make_user()
    assign_role_as_system("admin", made, expires_at=timezone.now() + timedelta(days=1), reason="test")
    return made


def test_his_role_is_not_revoked_even_if_another_has_it_for_a_time(
    last: User, manager: User, make_user: MakeUser
) -> None:
    assign_role_as_system("admin", last, reason="test")
    with pytest.raises(LastAdministrator):
        revoke_role(manager, "admin", last)
    assert check(last, "rbac.manage")
    make_user(role="admin")
    assert revoke_role(manager, "admin", last)


def test_his_role_is_not_replaced_by_one_that_ends(last: User, make_user: MakeUser) -> None:
    assign_role_as_system("admin", last, reason="test")
    tomorrow = timezone.now() + timedelta(days=1)
    with pytest.raises(LastAdministrator):
        assign_role_as_system("admin", last, expires_at=tomorrow, reason="test")
    other = make_user(role="admin")
    assert assign_role(other, "admin", last, expires_at=tomorrow).expires_at == tomorrow


def test_where_all_are_administrators_for_a_time_the_last_of_them_stays(
    last: User, manager: User, make_user: MakeUser
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    assign_role_as_system("admin", last, expires_at=tomorrow, reason="test")
    assert revoke_role(last, "admin", manager)
    with pytest.raises(LastAdministrator):
        save(last, is_active=False)


def test_a_superuser_counts_while_superusers_may_do_everything(last: User, admins: Group, settings: Any) -> None:
    root = User.objects.create_superuser("root@example.org")
    last.groups.clear()
    with pytest.raises(LastAdministrator):
        save(root, is_superuser=False)
    last.groups.add(admins)
    settings.RBAC_SUPERUSER = False
    with pytest.raises(LastAdministrator), transaction.atomic():
        last.groups.clear()


def test_a_superuser_who_is_an_administrator_by_a_role_may_become_an_ordinary_one(make_user: MakeUser) -> None:
    save(make_user(role="admin", is_superuser=True), is_superuser=False)


def test_a_site_without_administrators_can_be_left(make_user: MakeUser) -> None:
    save(make_user(), is_active=False)
    make_user().delete()


def test_who_becomes_a_superuser_or_stops_to_be_one_is_told(make_user: MakeUser, told: list[Told]) -> None:
    made = make_user(role="admin", is_superuser=True)
    save(made, is_superuser=False)
    save(made, is_superuser=True)
    made.save(update_fields=["last_login"])
    heard = [each for each in told if each.name == "superuser_changed"]
    assert [(each.target, each.changes["is_superuser"]) for each in heard] == [
        (made, [False, True]),
        (made, [True, False]),
        (made, [False, True]),
    ]
