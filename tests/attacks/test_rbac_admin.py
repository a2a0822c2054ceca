"""Attacks on Django's admin: by who may open it and wants more, and by who would come in by its back door."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import check
from tests.accounts.steps import EMAIL, PASSWORD, is_signed_in, sign_in, verify
from tests.conftest import ClientFor, MakeUser
from tests.testapp.models import Document

pytestmark = pytest.mark.django_db(transaction=True)  # what a refusal tells has to survive it
HOME = f"/{settings.ADMIN_PATH}"


def refusals(who: User) -> list[Event]:
    return list(Event.objects.filter(action="rbac.access.refused", actor_id=str(who.pk), outcome="denied"))


def page_of(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


@pytest.fixture
def administrators(administrator: User) -> Group:
    group = Group.objects.create(name="Administrators")
    assign_role_as_system("admin", group, reason="test")
    return group


@pytest.mark.asvs("8.2.1", "8.2.3")
def test_who_may_change_users_neither_promotes_himself_nor_joins_the_administrators(
    clerk: User, clerks: Client, administrators: Group
) -> None:
    assert check(clerk, "accounts.change_user", clerk)
    for forged in ({"is_superuser": "on"}, {"is_staff": "on"}, {"groups": str(administrators.pk)}):
        assert clerks.post(page_of(clerk), {"name": "Me", **forged}).status_code == 403
    clerk.refresh_from_db()
    assert (clerk.name, clerk.is_superuser, clerk.is_staff, clerk.groups.count()) == ("", False, False, 0)
    assert not check(clerk, "rbac.manage")
    told = refusals(clerk)
    assert {event.target_label for event in told} == {str(clerk)}
    assert [event.reason for event in told if "is_superuser" in event.reason]
    assert len(told) == 3


@pytest.mark.asvs("6.3.4")
def test_nobody_takes_over_an_account_by_changing_its_address(
    clerk: User, clerks: Client, administrator: User, stranger: User, client_for: ClientFor
) -> None:
    """A link to choose a new password would be mailed to it."""
    for by, browser in ((clerk, clerks), (administrator, client_for(administrator))):
        answer = browser.post(page_of(stranger), {"name": "", "is_active": "on", "email": "thief@example.org"})
        assert answer.status_code == 403
        assert len(refusals(by)) == 1
    stranger.refresh_from_db()
    assert stranger.email == "stranger@example.org"


@pytest.mark.asvs("8.2.1")
def test_a_clerk_does_not_raise_an_accomplice_either(clerk: User, clerks: Client, stranger: User) -> None:
    assert clerks.post(page_of(stranger), {"name": "", "is_superuser": "on"}).status_code == 403
    stranger.refresh_from_db()
    assert not stranger.is_superuser
    [event] = refusals(clerk)
    assert event.target_id == str(stranger.pk)


@pytest.mark.asvs("8.2.2")
@pytest.mark.parametrize("action", ["mark_as_old", "delete_selected"])
def test_an_action_on_many_reaches_no_row_outside_of_ones_scope(
    action: str, clerk: User, clerks: Client, document: Document
) -> None:
    """His own are chosen too, so that he may run the action at all."""
    own = Document.objects.create(title="own")
    assign_role_as_system("testapp.document_owner", clerk, own, reason="test")
    url = f"{HOME}testapp/document/"
    chosen = {"action": action, "_selected_action": [str(own.pk), str(document.pk)], "post": "yes"}
    assert clerks.post(url, chosen).status_code == 403
    assert clerks.post(url, {**chosen, "select_across": "1"}).status_code in {302, 403}  # all that he sees: his own
    assert Document.objects.get(pk=document.pk).title == "Plan A"
    assert refusals(clerk)


@pytest.mark.asvs("8.2.2")
def test_keys_are_not_guessed_by_the_admins_pages(clerk: User, clerks: Client, document: Document) -> None:
    """One that is somebody's and one that is nobody's get the same answer, and each guess is on record."""
    own = Document.objects.create(title="own")
    assign_role_as_system("testapp.document_owner", clerk, own, reason="test")
    for page in ("change", "delete", "history"):
        guesses = [
            clerks.get(reverse(f"admin:testapp_document_{page}", args=[pk]))
            for pk in (document.pk, "0198c0de-0000-7000-8000-000000000000")
        ]
        assert [answer.status_code for answer in guesses] == [302, 302]
    assert len(refusals(clerk)) == 6


@pytest.mark.asvs("8.2.3")
@pytest.mark.parametrize(
    "lookup", ["password__startswith", "password", "last_login__year", "user_permissions__codename"]
)
def test_what_a_list_does_not_show_is_not_guessed_by_filtering_it(lookup: str, clerk: User, clerks: Client) -> None:
    """Page after page, `?password__startswith=` tells a hash letter by letter."""
    people = f"{HOME}accounts/user/"
    assert b"0 users" in clerks.get(people, {"is_active__exact": "0"}).content
    for guess in ("a", "argon2", "x"):
        assert clerks.get(people, {lookup: guess}).status_code == 400
    assert [lookup in event.reason for event in refusals(clerk)] == 3 * [True]


@pytest.mark.asvs("6.3.1")
def test_the_admins_own_sign_in_page_is_no_way_round_the_lock(make_user: MakeUser) -> None:
    cache.clear()
    target = make_user(email=EMAIL, password=PASSWORD, role="admin")
    verify(target)
    attacker = Client(REMOTE_ADDR="203.0.113.66")
    for number in range(10):
        sign_in(attacker, password=f"guess {number}")
    assert Event.objects.filter(action="accounts.sign_in.locked", target_id=str(target.pk)).exists()
    for page in ("login/", "", f"login/?next={HOME}"):
        answer = attacker.post(HOME + page, {"username": EMAIL, "password": PASSWORD, "login": EMAIL, "next": HOME})
        assert answer["Location"].startswith("/accounts/login/")
    assert not is_signed_in(attacker)
    assert attacker.get(HOME).status_code == 302
