"""Attacks on the giving of rights. Each is refused, leaves nothing, and is told to the audit log."""

from typing import Any

import pytest
from django.contrib.auth.models import Group

from apps.accounts.models import User
from apps.rbac.assignments import assign_creator, assign_role, revoke_role
from apps.rbac.decisions import check
from apps.rbac.errors import AlreadyAssigned, BeyondOwn, GrantRefused, MayNotGrant, SelfGrant
from apps.rbac.sharing import share, unshare
from tests.rbac.conftest import Told
from tests.testapp.models import Document
from tests.testapp.roles import DocumentOwner, Librarian

CHANGE, DELETE = "testapp.change_document", "testapp.delete_document"


def refusals(told: list[Told]) -> list[tuple[Any, str, Any]]:
    return [(each.target, each.outcome, each.details["rule"]) for each in told if each.name == "grant_refused"]


@pytest.mark.asvs("8.3.1")
def test_a_stranger_who_knows_an_id_can_not_share_the_object_with_himself_or_a_friend(
    stranger: User, colleague: User, document: Document, told: list[Told]
) -> None:
    for to in (stranger, colleague):
        with pytest.raises(MayNotGrant):
            share(stranger, document, to, "view")
    assert not check(stranger, "testapp.view_document", document)
    assert refusals(told) == [(document, "denied", "MayNotGrant"), (document, "denied", "MayNotGrant")]
    permissions = ["testapp.view_document"]
    assert told[0].details == {"to": stranger, "permissions": permissions, "rule": "MayNotGrant"}


def test_who_may_view_can_not_pass_it_on(
    owner: User, colleague: User, stranger: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    with pytest.raises(MayNotGrant):
        share(colleague, document, stranger, "view")
    assert refusals(told) == [(document, "denied", "MayNotGrant")]


@pytest.mark.asvs("8.2.2")
def test_who_may_share_can_not_raise_himself(
    owner: User, colleague: User, team: Group, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, ["view", "share"])
    for to, permission in ((colleague, "change"), (team, "change"), (team, "view")):
        with pytest.raises(SelfGrant):
            share(colleague, document, to, permission)
    assert not check(colleague, CHANGE, document)
    assert refusals(told) == 3 * [(document, "denied", "SelfGrant")]


def test_two_who_may_share_can_not_raise_each_other(
    owner: User, colleague: User, stranger: User, document: Document, told: list[Told]
) -> None:
    for each in (colleague, stranger):
        share(owner, document, each, ["view", "share"])
    with pytest.raises(BeyondOwn):
        share(colleague, document, stranger, "delete")
    with pytest.raises(BeyondOwn):
        assign_role(stranger, DocumentOwner, colleague, document)
    assert not check(stranger, DELETE, document)
    assert refusals(told) == 2 * [(document, "denied", "BeyondOwn")]


def test_who_may_share_can_not_push_the_owner_out(
    owner: User, colleague: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, ["view", "share"])
    with pytest.raises(BeyondOwn):
        revoke_role(colleague, DocumentOwner, owner, document)
    assert check(owner, DELETE, document)
    assert refusals(told) == [(document, "denied", "BeyondOwn")]


def test_a_user_can_not_make_himself_administrator(stranger: User, told: list[Told]) -> None:
    with pytest.raises(MayNotGrant):
        assign_role(stranger, "admin", stranger)
    assert not check(stranger, "rbac.manage")
    assert refusals(told) == [(stranger, "denied", "MayNotGrant")]


def test_an_administrator_can_not_raise_himself_even_by_his_group(
    administrator: User, team: Group, told: list[Told]
) -> None:
    administrator.groups.add(team)
    for to in (administrator, team):
        with pytest.raises(SelfGrant):
            assign_role(administrator, Librarian, to)
    assert not check(administrator, "testapp.view_document")
    assert refusals(told) == [(administrator, "denied", "SelfGrant"), (team, "denied", "SelfGrant")]


def test_an_owner_can_not_give_a_role_for_everything(
    owner: User, colleague: User, document: Document, told: list[Told]
) -> None:
    for scope in (None, document):
        with pytest.raises(GrantRefused):
            assign_role(owner, "admin", colleague, scope)
    assert not check(colleague, "rbac.manage")
    assert [rule for _, _, rule in refusals(told)] == ["MayNotGrant", "NotGrantable"]


def test_nobody_claims_what_another_has_made(stranger: User, document: Document, told: list[Told]) -> None:
    with pytest.raises(AlreadyAssigned):
        assign_creator(DocumentOwner, stranger, document)
    assert not check(stranger, "testapp.view_document", document)
    assert refusals(told) == [(document, "denied", "AlreadyAssigned")]


def test_a_stranger_can_not_take_what_others_were_given(
    owner: User, colleague: User, stranger: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    with pytest.raises(MayNotGrant):
        unshare(stranger, document, colleague)
    with pytest.raises(MayNotGrant):
        revoke_role(stranger, DocumentOwner, owner, document)
    assert check(colleague, "testapp.view_document", document)
    assert len(refusals(told)) == 2
