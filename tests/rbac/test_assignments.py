"""Roles: who may give which to whom, once for creators, by default for everybody, and never past the rules."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_creator, assign_role, assign_role_as_system, revoke_role
from apps.rbac.decisions import check
from apps.rbac.direct_writes import by_service
from apps.rbac.errors import (
    AlreadyAssigned,
    BeyondOwn,
    InactiveRecipient,
    MayNotGrant,
    NotGrantable,
    SelfGrant,
    UnknownRole,
)
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import registry as roles
from apps.rbac.sharing import share
from tests.conftest import MakeUser
from tests.rbac.conftest import Told
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, Librarian

VIEW = "testapp.view_document"
OWNS = sorted(roles.permissions("testapp.document_owner"))


def test_an_administrator_gives_a_role_and_takes_it_back(administrator: User, stranger: User, told: list[Told]) -> None:
    given = assign_role(administrator, Librarian, stranger, reason="helps out")
    assert (given.granted_by, given.reason, given.scope_key) == (administrator, "helps out", "")
    assert check(stranger, VIEW)
    assert revoke_role(administrator, "testapp.librarian", stranger, reason="done")
    assert not check(stranger, VIEW)
    assert not revoke_role(administrator, "testapp.librarian", stranger)
    given.refresh_from_db()
    assert given.revoked_by == administrator
    assert given.revoked_at is not None
    sent = {"to": stranger, "role": "testapp.librarian"}
    permissions = ["testapp.view_document", "testapp.view_folder"]
    assert [(each.name, each.target, each.reason, each.details) for each in told] == [
        ("role_granted", stranger, "helps out", {**sent, "permissions": permissions, "expires_at": None}),
        ("role_revoked", stranger, "done", {**sent, "permissions": permissions}),
    ]


def test_an_assignment_on_an_object_names_it_in_its_key_and_in_what_is_told(
    administrator: User, stranger: User, document: Document, told: list[Told]
) -> None:
    until = timezone.now() + timedelta(days=1)
    given = assign_role(administrator, DocumentOwner, stranger, document, expires_at=until)
    assert (given.scope_type, given.scope_id) == ("testapp.document", document.pk)
    assert given.scope_key == f"testapp.document:{document.pk}"
    assert str(given) == f"testapp.document_owner for stranger@example.org on testapp.document:{document.pk}"
    assert [(each.target, each.details) for each in told] == [
        (
            document,
            {
                "to": stranger,
                "role": "testapp.document_owner",
                "permissions": OWNS,
                "expires_at": until.isoformat(),
            },
        )
    ]


def test_a_role_given_again_is_the_same_assignment(administrator: User, stranger: User, told: list[Told]) -> None:
    first = assign_role(administrator, Librarian, stranger)
    assert assign_role(administrator, Librarian, stranger) == first
    assert len(told) == 1


def test_another_term_replaces_the_assignment_and_keeps_the_old_one(administrator: User, stranger: User) -> None:
    first = assign_role(administrator, Librarian, stranger, expires_at=timezone.now() + timedelta(days=1))
    second = assign_role(administrator, Librarian, stranger)
    first.refresh_from_db()
    assert first.revoked_at is not None
    assert second.expires_at is None
    assert check(stranger, VIEW)


def test_an_expired_assignment_does_not_stand_in_the_way(administrator: User, stranger: User) -> None:
    ended = timezone.now() - timedelta(days=1)
    assign_role(administrator, Librarian, stranger, expires_at=ended)
    assert not check(stranger, VIEW)
    assign_role(administrator, Librarian, stranger)
    assert check(stranger, VIEW)


def test_a_group_can_hold_a_role(administrator: User, colleague: User, team: Group) -> None:
    assign_role(administrator, Librarian, team)
    assert check(colleague, VIEW)
    revoke_role(administrator, Librarian, team)
    assert not check(colleague, VIEW)


def test_who_may_share_an_object_gives_roles_on_it_that_he_holds(
    owner: User, colleague: User, stranger: User, document: Document
) -> None:
    with pytest.raises(MayNotGrant):
        assign_role(colleague, DocumentOwner, stranger, document)
    assign_role(owner, DocumentOwner, stranger, document)
    assert check(stranger, "testapp.delete_document", document)
    share(owner, document, colleague, ["view", "share"])
    with pytest.raises(BeyondOwn, match="delete_document"):
        assign_role(colleague, DocumentOwner, stranger, document)
    with pytest.raises(BeyondOwn):
        revoke_role(colleague, DocumentOwner, owner, document)
    assert check(owner, VIEW, document)


def test_who_manages_roles_without_binding_gives_only_what_he_holds(
    stranger: User, colleague: User, registry: Any
) -> None:
    from apps.rbac.roles import Role
    from apps.rbac.sync import sync

    type("Clerk", (Role,), {"slug": "clerk", "label": "Clerk", "permissions": frozenset({"rbac.manage"})})
    sync()
    assign_role_as_system("clerk", stranger, reason="test")
    with pytest.raises(BeyondOwn):
        assign_role(stranger, Librarian, colleague)
    assert assign_role(stranger, "clerk", colleague).role_id == "clerk"


def test_a_role_is_given_for_its_own_scope_only(administrator: User, stranger: User, document: Document) -> None:
    for role, scope in ((Librarian, document), (DocumentOwner, None), (DocumentOwner, document.folder)):
        with pytest.raises(NotGrantable, match="is given for"):
            assign_role(administrator, role, stranger, scope)


def test_an_unknown_role_is_named(administrator: User, stranger: User) -> None:
    with pytest.raises(UnknownRole, match="'bibrarian'"):
        assign_role(administrator, "bibrarian", stranger)


def test_nobody_gives_or_takes_his_own_roles(administrator: User, colleague: User, team: Group) -> None:
    for change in (assign_role, revoke_role):
        with pytest.raises(SelfGrant):
            change(administrator, "user", administrator)
    assign_role_as_system("admin", colleague, reason="test")
    with pytest.raises(SelfGrant, match="Team"):
        assign_role(colleague, Librarian, team)


def test_an_inactive_account_gets_no_role_and_loses_them(administrator: User, stranger: User) -> None:
    assign_role(administrator, Librarian, stranger)
    stranger.is_active = False
    stranger.save()
    with pytest.raises(InactiveRecipient):
        assign_role(administrator, "guest", stranger)
    assert revoke_role(administrator, Librarian, stranger)


def test_a_creator_gets_his_role_once_and_nobody_after_him(
    owner: User, stranger: User, document: Document, told: list[Told]
) -> None:
    assert check(owner, "testapp.share_document", document)
    with pytest.raises(AlreadyAssigned):
        assign_creator(DocumentOwner, stranger, document)
    assert [each.name for each in told] == ["grant_refused"]


def test_nobody_becomes_creator_of_what_has_been_somebodys(
    administrator: User, owner: User, stranger: User, document: Document
) -> None:
    revoke_role(administrator, DocumentOwner, owner, document)
    with pytest.raises(AlreadyAssigned):
        assign_creator(DocumentOwner, stranger, document)


def test_an_inactive_account_creates_nothing(stranger: User, folder: Folder) -> None:
    stranger.is_active = False
    stranger.save()
    with pytest.raises(InactiveRecipient):
        assign_creator(DocumentOwner, stranger, Document.objects.create(title="new", folder=folder))


def test_each_new_user_gets_the_default_role(make_user: MakeUser, settings: Any, told: list[Told]) -> None:
    made = make_user(is_active=False)
    assert [each.role_id for each in RoleAssignment.objects.in_force().filter(user=made)] == ["user"]
    assert [(each.name, each.target) for each in told] == [("role_granted", made)]
    made.save()
    assert RoleAssignment.objects.filter(user=made).count() == 1
    settings.RBAC_DEFAULT_ROLE = ""
    assert not RoleAssignment.objects.filter(user=make_user()).exists()


def test_a_fixture_brings_its_own_rows(db: None) -> None:
    User(email="raw@example.org").save_base(raw=True)
    assert not RoleAssignment.objects.exists()


def test_a_deleted_object_leaves_no_role_behind(owner: User, document: Document, folder: Folder) -> None:
    old_key = document.pk
    document.delete()
    assert RoleAssignment.objects.live().filter(role="testapp.document_owner").count() == 0
    again = Document.objects.create(pk=old_key, title="another", folder=folder)
    assert not check(owner, VIEW, again)


def test_deleting_many_at_once_or_with_their_container_leaves_none_either(
    owner: User, stranger: User, document: Document, folder: Folder
) -> None:
    assign_role_as_system("testapp.folder_reader", stranger, folder, reason="test")
    Folder.objects.filter(pk=folder.pk).delete()
    assert not RoleAssignment.objects.live().exclude(scope_key="").exists()


def test_who_is_deleted_takes_his_assignments_along_and_leaves_those_he_gave(
    administrator: User, colleague: User, stranger: User, make_user: MakeUser
) -> None:
    make_user(role="admin")
    given = assign_role(administrator, Librarian, stranger)
    assign_role(administrator, Librarian, colleague)
    colleague.delete()
    administrator.delete()
    given.refresh_from_db()
    assert given.granted_by is None
    assert check(stranger, VIEW)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"user": True, "group": True},
        {"user": True, "scope_key": "testapp.document:1"},
        {"user": True, "scope_type": "testapp.document"},
    ],
)
def test_the_database_refuses_an_assignment_that_makes_no_sense(
    columns: dict[str, Any], stranger: User, team: Group
) -> None:
    who = {"user": stranger, "group": team}
    values = {name: who.get(name, value) for name, value in columns.items()}
    with pytest.raises(IntegrityError), transaction.atomic(), by_service():
        RoleAssignment.objects.create(role_id="guest", **values)


@pytest.mark.parametrize("principal", ["user", "group"])
def test_the_database_refuses_a_second_live_assignment(principal: str, stranger: User, team: Group) -> None:
    to: Any = {"user": stranger, "group": team}[principal]
    assign_role_as_system("guest", to, reason="test")
    with pytest.raises(IntegrityError), transaction.atomic(), by_service():
        RoleAssignment.objects.create(role_id="guest", **{principal: to})
