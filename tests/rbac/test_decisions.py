"""Who holds what: by role and by share, everywhere, on a container or on an object; and who holds nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac import decisions, memo
from apps.rbac.assignments import assign_role_as_system, revoke_role
from apps.rbac.decisions import check, check_many, require
from apps.rbac.direct_writes import by_service
from apps.rbac.errors import UnknownPermission
from apps.rbac.models import RoleAssignment
from apps.rbac.sharing import share
from tests.conftest import MakeUser
from tests.rbac.conftest import Told
from tests.testapp.models import Document, Folder

VIEW, CHANGE, ADD = "testapp.view_document", "testapp.change_document", "testapp.add_document"
DELETE = "testapp.delete_document"


@pytest.mark.asvs("8.2.2")
def test_an_owner_may_what_the_role_says_and_a_stranger_may_not(
    owner: User, stranger: User, document: Document
) -> None:
    assert check(owner, VIEW, document)
    assert check(owner, DELETE, document)
    assert not check(stranger, VIEW, document)


def test_a_role_on_one_object_says_nothing_about_another(owner: User, document: Document, folder: Folder) -> None:
    other = Document.objects.create(title="Plan B", folder=folder)
    assert not check(owner, VIEW, other)
    assert not check(owner, VIEW)


def test_a_role_for_everything_holds_on_each_object(stranger: User, document: Document) -> None:
    assign_role_as_system("testapp.librarian", stranger, reason="test")
    assert check(stranger, VIEW)
    assert check(stranger, VIEW, document)
    assert not check(stranger, CHANGE, document)


def test_a_role_on_a_container_reaches_what_is_in_it_and_nothing_else(
    stranger: User, document: Document, folder: Folder
) -> None:
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    elsewhere = Document.objects.create(title="Elsewhere", folder=Folder.objects.create(name="Other"))
    nowhere = Document.objects.create(title="Nowhere", folder=None)
    assert check(stranger, CHANGE, document)
    assert not check(stranger, CHANGE, elsewhere)
    assert not check(stranger, CHANGE, nowhere)
    assert not check(stranger, DELETE, document)


def test_a_container_can_be_asked_for_a_permission_of_what_it_holds(stranger: User, folder: Folder) -> None:
    assert not check(stranger, CHANGE, folder)
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    assert check(stranger, CHANGE, folder)


def test_what_is_not_saved_yet_is_reached_by_its_container_only(
    stranger: User, owner: User, document: Document, folder: Folder
) -> None:
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    assert check(stranger, CHANGE, Document(title="draft", folder=folder))
    assert not check(stranger, CHANGE, Document(title="draft"))
    assert not check(owner, CHANGE, Document(pk=None, title="draft", folder=folder))


def test_a_role_inherits_from_its_junior(stranger: User, document: Document, folder: Folder) -> None:
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    assert check(stranger, VIEW, document)


def test_members_hold_what_their_group_holds(colleague: User, stranger: User, team: Group, document: Document) -> None:
    assign_role_as_system("testapp.document_owner", team, document, reason="test")
    assert check(colleague, CHANGE, document)
    assert not check(stranger, CHANGE, document)


@pytest.mark.asvs("8.3.2")
def test_leaving_the_group_ends_what_it_gave_at_once(colleague: User, team: Group, document: Document) -> None:
    assign_role_as_system("testapp.document_owner", team, document, reason="test")
    with memo.remembering():
        assert check(colleague, CHANGE, document)
        colleague.groups.remove(team)
        assert not check(colleague, CHANGE, document)


def test_an_assignment_holds_from_its_start_until_it_expires(stranger: User, document: Document) -> None:
    now = timezone.now()
    terms = [
        (now - timedelta(days=2), now - timedelta(seconds=1), False),
        (now - timedelta(days=2), now + timedelta(days=1), True),
        (now + timedelta(hours=1), now + timedelta(days=1), False),
        (None, now + timedelta(days=1), True),
    ]
    for starts_at, expires_at, holds in terms:
        given = assign_role_as_system(
            "testapp.document_owner", stranger, document, starts_at=starts_at, expires_at=expires_at, reason="test"
        )
        assert check(stranger, VIEW, document) is holds
        assert Document.objects.for_user(stranger, "view").exists() is holds
        assert given.expires_at == expires_at


def test_a_role_just_given_holds_at_once(stranger: User, document: Document) -> None:
    for _ in range(20):
        assign_role_as_system("testapp.document_owner", stranger, document, reason="test")
        assert check(stranger, VIEW, document)


@pytest.mark.asvs("8.3.2")
def test_a_revoked_role_ends_at_once(administrator: User, stranger: User, document: Document) -> None:
    assign_role_as_system("testapp.document_owner", stranger, document, reason="test")
    revoke_role(administrator, "testapp.document_owner", stranger, document)
    assert not check(stranger, VIEW, document)
    assert not Document.objects.for_user(stranger, "view").exists()


def test_an_assignment_at_a_scope_that_its_role_does_not_have_grants_nothing(
    stranger: User, document: Document
) -> None:
    """As left behind when a role's scope changes in the code, or written to the table by hand."""
    with by_service():
        RoleAssignment.objects.create(user=stranger, role_id="testapp.document_owner")
        RoleAssignment.objects.create(
            user=stranger,
            role_id="testapp.librarian",
            scope_type="testapp.document",
            scope_id=document.pk,
            scope_key=f"testapp.document:{document.pk}",
        )
    assert not check(stranger, VIEW)
    assert not check(stranger, VIEW, document)
    assert not Document.objects.for_user(stranger, "view").exists()
    assert VIEW not in decisions.permissions_of(stranger, document)


def test_a_role_that_the_code_no_longer_declares_grants_nothing(owner: User, document: Document, registry: Any) -> None:
    del registry.roles["testapp.document_owner"]
    assert not check(owner, VIEW, document)
    assert VIEW not in decisions.permissions_of(owner, document)


def test_who_is_anonymous_holds_nothing(document: Document) -> None:
    assert not check(AnonymousUser(), VIEW, document)
    assert not Document.objects.for_user(AnonymousUser(), "view").exists()
    assert decisions.permissions_of(AnonymousUser()) == set()


def test_who_is_inactive_holds_nothing_even_as_owner_or_superuser(owner: User, document: Document) -> None:
    owner.is_active, owner.is_superuser = False, True
    assert not check(owner, VIEW, document)
    assert check_many(owner, VIEW, [document]) == set()
    assert not Document.objects.for_user(owner, "view").exists()
    assert decisions.permissions_of(owner, document) == set()


def test_an_active_superuser_holds_every_permission_that_exists(make_user: MakeUser, document: Document) -> None:
    root = make_user(is_superuser=True)
    assert check(root, VIEW, document)
    assert root.has_perm(VIEW, document)
    assert check_many(root, VIEW, [document]) == {document.pk}
    assert root.has_module_perms("testapp")
    with pytest.raises(UnknownPermission):
        check(root, "testapp.view_dokument", document)


def test_a_superuser_is_nobody_special_when_the_setting_says_so(
    make_user: MakeUser, document: Document, settings: Any
) -> None:
    settings.RBAC_SUPERUSER = False
    root = make_user(is_superuser=True)
    assert not check(root, VIEW, document)
    assert not root.has_perm(VIEW, document)
    assert not Document.objects.for_user(root, "view").exists()


def test_a_misspelled_permission_raises_where_it_is_written(owner: User, document: Document) -> None:
    for question in (
        lambda: check(owner, "testapp.veiw_document", document),
        lambda: Document.objects.for_user(owner, "veiw"),
        lambda: owner.has_perm("nope.nope"),
    ):
        with pytest.raises(UnknownPermission, match="misspelled"):
            question()


def test_in_production_a_misspelled_permission_is_refused_and_logged(
    make_user: MakeUser, document: Document, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.RBAC_RAISE_ON_UNKNOWN = False
    root = make_user(is_superuser=True)
    assert not check(root, "testapp.veiw_document", document)
    assert not Document.objects.for_user(root, "veiw").exists()
    assert "testapp.veiw_document" in caplog.text


def test_require_refuses_what_may_be_viewed_with_403_and_hides_the_rest(
    owner: User, colleague: User, stranger: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    told.clear()
    require(owner, DELETE, document)
    assert told == []
    with pytest.raises(PermissionDenied):
        require(colleague, DELETE, document)
    with pytest.raises(Http404):
        require(stranger, DELETE, document)
    with pytest.raises(PermissionDenied):
        require(stranger, CHANGE)
    assert [(each.name, each.target, each.outcome, each.details) for each in told] == [
        ("access_refused", document, "denied", {"permission": DELETE}),
        ("access_refused", document, "denied", {"permission": DELETE}),
        ("access_refused", None, "denied", {"permission": CHANGE}),
    ]
