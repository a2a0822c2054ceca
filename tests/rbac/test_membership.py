"""Groups: who may put whom into one, and that every change of members is told."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role, assign_role_as_system
from apps.rbac.constraints import SsdSet
from apps.rbac.decisions import check
from apps.rbac.errors import BeyondOwn, BeyondTerm, InactiveRecipient, MayNotGrant, SelfGrant, SeparationOfDuty
from apps.rbac.membership import join_group, leave_group
from apps.rbac.roles import Registry
from apps.rbac.sync import sync
from tests.conftest import MakeUser
from tests.rbac.conftest import Told
from tests.rbac.test_roles import declare

VIEW = "testapp.view_document"


def test_an_administrator_puts_somebody_into_a_group_and_takes_him_out(
    administrator: User, stranger: User, team: Group, told: list[Told]
) -> None:
    assign_role(administrator, "testapp.librarian", team)
    del told[:]
    join_group(administrator, stranger, team)
    assert check(stranger, VIEW)
    leave_group(administrator, stranger, team)
    assert not check(stranger, VIEW)
    details = {"to": "stranger@example.org", "group": "Team"}
    assert [(each.name, each.target, each.details) for each in told] == [
        ("group_joined", stranger, details),
        ("group_left", stranger, details),
    ]


def test_who_may_not_give_roles_puts_nobody_into_a_group(
    owner: User, stranger: User, team: Group, told: list[Told]
) -> None:
    with pytest.raises(MayNotGrant):
        join_group(owner, stranger, team)
    assert not stranger.groups.exists()
    assert [(each.name, each.target, each.details["rule"]) for each in told] == [("grant_refused", team, "MayNotGrant")]


def test_nobody_puts_himself_into_a_group_or_an_inactive_account(
    administrator: User, make_user: MakeUser, team: Group
) -> None:
    with pytest.raises(SelfGrant):
        join_group(administrator, administrator, team)
    with pytest.raises(InactiveRecipient):
        join_group(administrator, make_user(is_active=False), team)


def test_a_group_that_would_break_a_separation_of_duty_is_not_joined_and_that_is_told_once(
    registry: Registry, administrator: User, stranger: User, team: Group, told: list[Told]
) -> None:
    assign_role_as_system("testapp.librarian", stranger, reason="test")
    declare("other", permissions=frozenset({"testapp.add_folder"}))
    sync()
    assign_role_as_system("other", team, reason="test")
    SsdSet("apart", {"testapp.librarian", "other"})
    with pytest.raises(SeparationOfDuty):
        join_group(administrator, stranger, team)
    assert not stranger.groups.exists()
    assert [each.details["rule"] for each in told if each.name == "grant_refused"] == ["SeparationOfDuty"]


def test_it_takes_the_right_to_bind_for_good(
    registry: Registry, stranger: User, colleague: User, make_user: MakeUser, team: Group
) -> None:
    declare("clerk", permissions=frozenset({"rbac.manage"}))
    sync()
    assign_role_as_system("clerk", stranger, reason="test")
    passing = make_user()
    assign_role_as_system("admin", passing, expires_at=timezone.now() + timedelta(days=1), reason="test")
    for by, refusal in ((stranger, BeyondOwn), (passing, BeyondTerm)):
        with pytest.raises(refusal):
            join_group(by, make_user(), team)
    with pytest.raises(BeyondOwn):
        leave_group(stranger, colleague, team)
    leave_group(passing, colleague, team)
    assert not colleague.groups.exists()


def test_an_edit_of_the_groups_behind_our_back_is_told_with_each_name(
    stranger: User, colleague: User, team: Group, told: list[Told]
) -> None:
    del told[:]
    team.user_set.add(stranger, colleague)  # the colleague is in it already
    team.user_set.remove(stranger)
    team.user_set.clear()
    assert [(each.name, each.details["to"]) for each in told] == [
        ("group_joined", "stranger@example.org"),
        ("group_left", "stranger@example.org"),
        ("group_left", "colleague@example.org"),
    ]
