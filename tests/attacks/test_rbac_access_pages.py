"""Attacks on the pages of access: by who may only look, who would raise himself, and who plants what others read."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.models import RoleAssignment
from apps.rbac.sharing import share
from tests.conftest import ClientFor, MakeUser
from tests.factories import signed_in_client
from tests.testapp.models import Document
from tests.testapp.roles import Librarian

pytestmark = pytest.mark.django_db

EVIL = '=HYPERLINK("https://evil.example/","<script>alert(1)</script>")'


def giving(to: User, role: str, **more: str) -> dict[str, str]:
    return {"to": to.email, "role": role, "scope": "", "expires_at": "", "reason": "because", **more}


def told(action: str, who: User) -> list[Event]:
    return list(Event.objects.filter(action=action, actor_id=str(who.pk), outcome="denied"))


@pytest.mark.asvs("8.2.1")
@pytest.mark.django_db(transaction=True)
def test_a_user_gives_nobody_a_role_by_posting_to_the_page(
    stranger: User, colleague: User, client_for: ClientFor
) -> None:
    browser = client_for(stranger)
    for to in (stranger, colleague):
        assert browser.post(reverse("rbac:give"), giving(to, "admin")).status_code == 403
    assert not RoleAssignment.objects.filter(role="admin").exists()
    assert len(told("rbac.access.refused", stranger)) == 2


@pytest.mark.asvs("8.2.1")
@pytest.mark.django_db(transaction=True)
def test_an_administrator_can_not_raise_himself_on_the_page_and_the_attempt_is_on_record(
    administrator: User, client_for: ClientFor
) -> None:
    client_for(administrator).post(reverse("rbac:give"), giving(administrator, Librarian.slug))
    assert not RoleAssignment.objects.filter(user=administrator, role=Librarian.slug).exists()
    [event] = told("rbac.grant.refused", administrator)
    assert event.reason.startswith("Nobody changes rights of his own.")


@pytest.mark.asvs("15.3.3")
def test_what_the_form_does_not_ask_for_is_not_taken_from_the_post(
    administrator: User, stranger: User, colleague: User, client_for: ClientFor
) -> None:
    more = {"granted_by": str(stranger.pk), "starts_at": "2000-01-01T00:00", "by": str(stranger.pk), "user": "x"}
    client_for(administrator).post(reverse("rbac:give"), giving(colleague, Librarian.slug, **more))
    given = RoleAssignment.objects.get(role=Librarian.slug)
    assert (given.granted_by, given.user, given.starts_at) == (administrator, colleague, None)


@pytest.mark.asvs("3.5.1")
def test_another_site_can_not_have_an_administrator_give_a_role(administrator: User, stranger: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = signed_in_client(administrator).cookies
    assert browser.post(reverse("rbac:give"), giving(stranger, "admin")).status_code == 403
    assert not RoleAssignment.objects.filter(user=stranger, role="admin").exists()


@pytest.mark.asvs("1.2.1", "1.2.10")
def test_what_somebody_planted_runs_neither_on_the_page_nor_in_the_file(
    administrator: User, owner: User, document: Document, make_user: MakeUser, client_for: ClientFor
) -> None:
    group = Group.objects.create(name=EVIL)
    assign_role_as_system(Librarian, group, reason=EVIL)
    assign_role_as_system(Librarian, administrator, reason="may view it")
    Document.objects.filter(pk=document.pk).update(title=EVIL[:50])
    share(owner, document, administrator, "view", reason=EVIL)
    admin = client_for(administrator)
    for url in (
        reverse("rbac:role", args=[Librarian.slug]),
        reverse("rbac:person", args=[administrator.pk]),
        reverse("rbac:place", args=[f"testapp.document:{document.pk}"]),
    ):
        assert "<script>alert" not in admin.get(url).content.decode()
        cells = admin.get(url, {"as": "csv"}).content.decode().splitlines()
        assert any("'=HYPERLINK" in line for line in cells)
        assert not any(f"{before}=HYPERLINK" in line for line in cells for before in (",", ',"'))
