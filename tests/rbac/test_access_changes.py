"""Giving and taking roles on the pages: what the guard allows is done and told, what it refuses is explained."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.decisions import check
from apps.rbac.direct_writes import by_service
from apps.rbac.models import DeclaredRole, RoleAssignment
from tests.conftest import ClientFor, MakeUser
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, FolderEditor, Librarian

pytestmark = pytest.mark.django_db

GIVE = "rbac:give"


@pytest.fixture
def admin(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


def key(obj: Any) -> str:
    return f"{obj._meta.label_lower}:{obj.pk}"


def text(response: Any) -> str:
    """What the page says, on one line."""
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def giving(to: str, role: str, scope: str = "", **more: str) -> dict[str, str]:
    return {"to": to, "role": role, "scope": scope, "expires_at": "", "reason": "needed for the audit", **more}


def test_a_role_is_given_on_the_page_and_its_event_tells_why(
    admin: Client, administrator: User, colleague: User, folder: Folder
) -> None:
    until = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    form = giving("COLLEAGUE@example.org", FolderEditor.slug, key(folder), expires_at=until)
    response = admin.post(reverse(GIVE), form, follow=True)
    assert "colleague@example.org has the role Edits a folder." in text(response)
    given = RoleAssignment.objects.get(user=colleague, role=FolderEditor.slug)
    assert (given.granted_by, given.reason) == (administrator, "needed for the audit")
    assert given.expires_at is not None
    told = Event.objects.get(action="rbac.role.granted", actor_id=str(administrator.pk))
    assert told.reason == "needed for the audit"


def test_a_role_is_given_to_a_group_by_its_name(admin: Client, team: Group, colleague: User) -> None:
    assert admin.post(reverse(GIVE), giving("Team", Librarian.slug)).status_code == 302
    assert check(colleague, "testapp.view_document")


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize(
    ("to", "role", "said"),
    [
        ("administrator@example.org", "testapp.librarian", "Nobody changes rights of his own."),
        ("colleague@example.org", "testapp.folder_editor", "is given for testapp.Folder, not for everything"),
        ("inactive@example.org", "testapp.librarian", "the account is not active"),
        ("nobody@example.org", "testapp.librarian", "Nobody here has this address."),
        ("colleague@example.org", "testapp.unheard", "Select a valid choice."),
    ],
)
def test_what_the_guard_refuses_is_said_in_the_form_and_nothing_is_lost(
    admin: Client, make_user: MakeUser, colleague: User, to: str, role: str, said: str
) -> None:
    make_user(email="inactive@example.org", is_active=False)
    before = RoleAssignment.objects.count()
    response = admin.post(reverse(GIVE), giving(to, role))
    assert said in text(response)
    assert f'value="{to}"' in text(response)
    assert "needed for the audit" in text(response)
    assert RoleAssignment.objects.count() == before


def test_a_role_is_not_given_until_a_time_that_is_past(admin: Client, colleague: User) -> None:
    response = admin.post(reverse(GIVE), giving("colleague@example.org", Librarian.slug, expires_at="2020-01-01T12:00"))
    assert "This has passed already." in text(response)
    assert not RoleAssignment.objects.filter(role=Librarian.slug).exists()


def test_a_role_is_revoked_after_a_confirmation_with_a_reason(admin: Client, owner: User, document: Document) -> None:
    given = RoleAssignment.objects.get(role=DocumentOwner.slug)
    url = reverse("rbac:revoke", args=[given.pk])
    assert "Take the role Owner of a document from owner@example.org?" in text(admin.get(url))
    assert check(owner, "testapp.change_document", document)
    assert "This field is required." in text(admin.post(url, {"reason": ""}))
    assert check(owner, "testapp.change_document", document)
    response = admin.post(url, {"reason": "moved on"}, follow=True)
    assert "owner@example.org no longer has the role Owner of a document." in text(response)
    assert not check(owner, "testapp.change_document", document)
    assert Event.objects.get(action="rbac.role.revoked").reason == "moved on"
    assert admin.get(url).status_code == 404


def test_nobody_revokes_his_own_role_and_the_page_says_so(admin: Client, administrator: User) -> None:
    own = RoleAssignment.objects.get(user=administrator, role="admin")
    response = admin.post(reverse("rbac:revoke", args=[own.pk]), {"reason": "tired"})
    assert "Nobody changes rights of his own." in text(response)
    assert "tired" in text(response)
    assert check(administrator, "rbac.manage")


def test_a_role_that_the_code_declares_no_more_is_shown_and_can_be_taken(admin: Client, colleague: User) -> None:
    DeclaredRole.objects.create(slug="testapp.gone", label="Gone", permissions=[], retired_at=timezone.now())
    with by_service():
        row = RoleAssignment.objects.create(user=colleague, role_id="testapp.gone")
    assert "role retired" in text(admin.get(reverse("rbac:roles")))
    assert "no longer declares this role" in text(admin.get(reverse("rbac:role", args=["testapp.gone"])))
    assert admin.get(reverse("rbac:role", args=["testapp.never"])).status_code == 404
    assert admin.post(reverse("rbac:revoke", args=[row.pk]), {"reason": "gone"}).status_code == 302
    assert not RoleAssignment.objects.live().filter(role="testapp.gone").exists()
