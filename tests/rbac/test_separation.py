"""Static separation of duty: nobody holds n of a set's roles, whichever way the last of them would reach him."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac import constraints
from apps.rbac.assignments import assign_creator, assign_role, assign_role_as_system, revoke_role
from apps.rbac.constraints import SsdSet
from apps.rbac.errors import SeparationOfDuty
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import Registry
from apps.rbac.sync import sync
from tests.rbac.conftest import Told, queries
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, Folder


@pytest.fixture
def four_eyes(registry: Registry, db: None) -> SsdSet:
    """Who writes does not approve; a chief approves by inheritance; a folder's approver approves there."""
    declare("writer", permissions=frozenset({"testapp.add_folder"}))
    declare("approver", permissions=frozenset({"testapp.change_folder"}))
    declare("chief", inherits=("approver",))
    declare("local", scope="testapp.Folder", permissions=frozenset({"testapp.change_folder"}))
    sync()
    return SsdSet("four_eyes", {"writer", "approver", "local"})


Way = Callable[[User, User, Group, Folder], Any]


def give(role: str) -> Way:
    return lambda by, to, group, folder: assign_role(by, role, to, folder if role == "local" else None)


WAYS: dict[str, tuple[str, Way]] = {
    "the role itself": ("writer", give("approver")),
    "a role that inherits from it": ("writer", give("chief")),
    "the other one first": ("chief", give("writer")),
    "a role on an object": ("writer", give("local")),
    "a role of the user's group": ("writer", lambda by, to, group, folder: assign_role(by, "chief", group)),
    "a role from the system": (
        "writer",
        lambda by, to, group, folder: assign_role_as_system("approver", to, reason="test"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_second_role_of_a_set_is_refused_whichever_way_it_comes(
    way: str, four_eyes: SsdSet, administrator: User, colleague: User, team: Group, folder: Folder, told: list[Told]
) -> None:
    first, second = WAYS[way]
    assign_role(administrator, first, colleague)
    before, heard = RoleAssignment.objects.live().count(), len(told)
    with pytest.raises(
        SeparationOfDuty, match=r"colleague@example\.org would hold 2 or more of approver, local, writer"
    ):
        second(administrator, colleague, team, folder)
    assert RoleAssignment.objects.live().count() == before
    assert [(each.name, each.outcome, each.details["rule"]) for each in told[heard:] if each.outcome == "denied"] == [
        ("grant_refused", "denied", "SeparationOfDuty")
    ]
    revoke_role(administrator, first, colleague)
    second(administrator, colleague, team, folder)
    assert RoleAssignment.objects.live().count() == before


@pytest.mark.parametrize("side", ["user", "group", "set"])
def test_joining_a_group_that_holds_the_other_role_is_refused(
    side: str, four_eyes: SsdSet, administrator: User, stranger: User, team: Group, told: list[Told]
) -> None:
    assign_role(administrator, "chief", team)
    assign_role(administrator, "writer", stranger)
    join = {
        "user": lambda: stranger.groups.add(team),
        "group": lambda: team.user_set.add(stranger),
        "set": lambda: stranger.groups.set([team]),
    }[side]
    with pytest.raises(SeparationOfDuty), transaction.atomic():
        join()
    assert not stranger.groups.exists()
    assert [each.details["rule"] for each in told if each.name == "grant_refused"] == ["SeparationOfDuty"]
    revoke_role(administrator, "writer", stranger)
    join()
    assert stranger.groups.get() == team


def test_a_role_that_has_ended_does_not_count_and_one_that_has_not_begun_does(
    four_eyes: SsdSet, administrator: User, stranger: User
) -> None:
    now = timezone.now()
    assign_role(administrator, "writer", stranger, expires_at=now - timedelta(days=1))
    assign_role(administrator, "approver", stranger, starts_at=now + timedelta(days=1))
    with pytest.raises(SeparationOfDuty):
        assign_role(administrator, "writer", stranger)


@pytest.mark.parametrize("n", [2, 3])
def test_n_is_the_number_that_nobody_holds_so_one_less_is_the_most(
    n: int, four_eyes: SsdSet, administrator: User, stranger: User, folder: Folder
) -> None:
    four_eyes.n = n
    for role in ("writer", "approver")[: n - 1]:
        assign_role(administrator, role, stranger)
    with pytest.raises(SeparationOfDuty):
        assign_role(administrator, "local", stranger, folder)


def test_a_creator_does_not_get_round_it(
    registry: Registry, administrator: User, stranger: User, folder: Folder
) -> None:
    declare("maker", scope="testapp.Document", permissions=frozenset({"testapp.view_document"}))
    SsdSet("apart", {"maker", "testapp.librarian"})
    sync()
    assign_role(administrator, "testapp.librarian", stranger)
    with pytest.raises(SeparationOfDuty):
        assign_creator("maker", stranger, Document.objects.create(title="new", folder=folder))


def test_it_asks_nothing_until_a_set_is_declared(registry: Registry, db: None) -> None:
    with queries() as asked:
        assert constraints.conflicts() == []
    assert len(asked) == 0


def test_a_name_can_not_be_taken_twice(four_eyes: SsdSet) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SSD.*'four_eyes'"):
        SsdSet("four_eyes", {"writer"})
