"""Error 403 says what is missing and whom to ask, gives a reference that leads to the reason, and leaks nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.sharing import share
from tests.conftest import ClientFor, MakeUser
from tests.testapp.models import Document, Folder
from tests.testapp.roles import FolderReader

pytestmark = pytest.mark.django_db


def page(response: Any, status: int = 403) -> str:
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def rename(document: Document) -> str:
    return f"/documents/{document.pk}/rename/"


@pytest.fixture
def refused(owner: User, colleague: User, document: Document) -> Document:
    """`colleague` may view it, and change nothing."""
    share(owner, document, colleague, "view")
    return document


@pytest.fixture(autouse=True)
def _pages_with_documents(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.rbac.site"


def test_who_may_view_is_told_what_is_missing_and_who_can_share_it(
    refused: Document, colleague: User, administrator: User, client_for: ClientFor
) -> None:
    shown = page(client_for(colleague).post(rename(refused)))
    assert "<strong>Can change document</strong> on “Plan A”" in shown
    assert "<li>owner@example.org</li>" in shown
    assert "administrator@example.org" not in shown
    assert "Why, and who can give it" not in shown


def test_who_may_share_for_a_time_only_is_not_named(
    refused: Document, colleague: User, stranger: User, client_for: ClientFor
) -> None:
    """A share has no end: the guard would refuse it to him."""
    until = timezone.now() + timedelta(days=1)
    assign_role_as_system("testapp.document_owner", stranger, refused, expires_at=until, reason="test")
    shown = page(client_for(colleague).post(rename(refused)))
    assert "<li>owner@example.org</li>" in shown
    assert "stranger@example.org" not in shown


def test_of_an_object_that_nobody_shares_no_names_are_told(
    owner: User, colleague: User, document: Document, folder: Folder, client_for: ClientFor
) -> None:
    assign_role_as_system(FolderReader, colleague, folder, reason="test")
    shown = page(client_for(colleague).get(f"/folders/{folder.pk}/{document.pk}/"))
    assert "<strong>Can change document</strong> on “Plans”" in shown
    assert "owner@example.org" not in shown
    assert "ask the owner" in shown


@pytest.mark.asvs("8.2.2")
def test_who_may_not_view_learns_neither_that_it_exists_nor_whose_it_is(
    document: Document, stranger: User, client_for: ClientFor
) -> None:
    shown = page(client_for(stranger).post(rename(document)), 404)
    assert "Plan A" not in shown
    assert "owner@example.org" not in shown
    assert "Can change document" not in shown


def test_a_page_for_which_a_permission_is_missing_names_it_and_nobody(
    stranger: User, administrator: User, client_for: ClientFor
) -> None:
    shown = page(client_for(stranger).get(reverse("rbac:roles")))
    assert "<strong>Can view role assignment</strong>" in shown
    assert "administrator@example.org" not in shown


def test_who_may_look_at_access_sees_the_reason_and_the_way_on_the_page(
    refused: Document, administrator: User, owner: User, client_for: ClientFor
) -> None:
    share(owner, refused, administrator, "view")
    shown = page(client_for(administrator).post(rename(refused)))
    assert "Refused: no role and no share allows it." in shown
    assert "owner@example.org can give it" in shown


@pytest.mark.asvs("16.3.2")
def test_the_reference_leads_an_administrator_to_the_refusal_and_on_to_its_explanation(
    refused: Document, colleague: User, administrator: User, client_for: ClientFor
) -> None:
    response = client_for(colleague).post(rename(refused))
    reference = response["X-Request-ID"]
    assert reference in page(response)
    event = Event.objects.get(request_id=reference, action="rbac.access.refused")
    admin = client_for(administrator)
    [found] = admin.get(reverse("audit:event_list"), {"request": reference}).context["page"].events
    assert found == event
    shown = page(admin.get(reverse("audit:event_detail", args=[event.pk])), 200)
    address = f"{reverse('rbac:explain')}?person={colleague.pk}&amp;permission=testapp.change_document"
    assert address in shown
    link = shown[shown.index(reverse("rbac:explain")) :].partition('"')[0].replace("&amp;", "&")
    explained = page(admin.get(link), 200)
    assert "colleague@example.org" in explained
    assert "Refused: no role and no share allows it." in explained


def test_what_the_guard_refuses_is_told_in_its_own_words(
    refused: Document, colleague: User, stranger: User, client_for: ClientFor
) -> None:
    shown = page(client_for(colleague).post(f"/documents/{refused.pk}/pass-on/", {"to": str(stranger.pk)}))
    assert "You may not share this." in shown


def test_an_explanation_is_shown_to_a_superuser_whom_no_policy_lets_through(
    make_user: MakeUser, client_for: ClientFor
) -> None:
    shown = page(client_for(make_user(is_superuser=True)).get("/undeclared/"))
    assert "You may not do that" in shown
    assert "What is missing" not in shown
