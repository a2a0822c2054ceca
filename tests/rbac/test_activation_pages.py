"""The page on which a person puts a role to use that is held and idle: for a reason, after a proof, for a time."""

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.constraints import DsdSet
from apps.rbac.roles import Registry
from apps.rbac.sync import sync
from tests.accounts.steps import EMAIL, PASSWORD, sign_in, verify
from tests.conftest import ClientFor, MakeUser
from tests.rbac.conftest import queries
from tests.rbac.test_roles import declare

LOOK = "rbac.view_roleassignment"  # what the pages of access ask for
MINE, ACCESS = "/access/mine/", "/access/"
POSTED = {"role": "auditor", "reason": "yearly review", "duration": "15"}


@pytest.fixture
def auditor(registry: Registry, make_user: MakeUser) -> User:
    """Holds a privileged role, which opens the pages of access once it is activated."""
    cache.clear()
    declare("auditor", permissions=frozenset({LOOK}), requires_activation=True, max_activation=timedelta(hours=1))
    sync()
    user = make_user(email=EMAIL, password=PASSWORD)
    verify(user)
    assign_role_as_system("auditor", user, reason="test")
    return user


@pytest.fixture
def browser(auditor: User) -> Client:
    """In which he has just signed in, with his password."""
    browser = Client()
    sign_in(browser)
    return browser


def sign_in_long_ago(browser: Client) -> None:
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 7200
    session.save()


def test_a_role_is_put_to_use_for_the_session_and_dropped_again(auditor: User, browser: Client) -> None:
    refused = browser.get(ACCESS)
    assert refused.status_code == 403
    assert b"have not activated it: <strong>Auditor</strong>" in refused.content
    assert b"Put a role to use" in browser.get(MINE).content
    answer = browser.post(MINE, POSTED, follow=True)
    assert b"You use the role Auditor now." in answer.content
    assert b"Drop Auditor" in answer.content
    assert browser.get(ACCESS).status_code == 200
    told = Event.objects.get(action="rbac.role.activated")
    assert (told.actor_id, told.reason) == (str(auditor.pk), "yearly review")

    assert b"You no longer use the role Auditor." in browser.post(f"{MINE}auditor/drop/", follow=True).content
    assert browser.get(ACCESS).status_code == 403
    assert browser.post(f"{MINE}auditor/drop/").status_code == 302, "as after its end"
    assert Event.objects.filter(action="rbac.role.deactivated").count() == 1


@pytest.mark.asvs("7.5.3")
def test_who_signed_in_long_ago_confirms_first_that_it_is_he(auditor: User, browser: Client) -> None:
    assert b"Confirm that it is you" not in browser.get(MINE).content
    sign_in_long_ago(browser)
    link = f'href="/accounts/reauthenticate/?next={MINE}"'
    assert link in browser.get(MINE).content.decode()
    answer = browser.post(MINE, POSTED)
    assert b"takes a fresh proof that it is you" in answer.content
    assert b'value="yearly review"' in answer.content
    assert browser.get(ACCESS).status_code == 403
    assert Event.objects.get(action="rbac.grant.refused").outcome == "denied"

    confirmed = browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": MINE})
    assert confirmed["Location"] == MINE
    assert browser.post(MINE, POSTED).status_code == 302
    assert browser.get(ACCESS).status_code == 200


def test_the_page_says_how_long_a_role_may_be_in_use_and_offers_no_longer(
    registry: Registry, auditor: User, browser: Client
) -> None:
    page = browser.get(MINE).content.decode()
    assert "At most 1\xa0hour as Auditor." in page
    assert 'value="60"' in page
    assert 'value="240"' not in page
    assert b"Select a valid choice." in browser.post(MINE, {**POSTED, "duration": "240"}).content

    declare("keeper", permissions=frozenset({LOOK}), requires_activation=True, max_activation=timedelta(minutes=5))
    declare("warden", permissions=frozenset({LOOK}), requires_activation=True)
    sync()
    assign_role_as_system("keeper", auditor, reason="test")
    page = browser.get(MINE).content.decode()
    assert "At most 1\xa0hour as Auditor. At most 5\xa0minutes as Keeper." in page
    assign_role_as_system("warden", auditor, reason="test")
    assert 'value="480"' in browser.get(MINE).content.decode(), "which has no limit"


@pytest.mark.parametrize(
    ("forged", "said"),
    [
        ({"reason": " "}, b"This field is required."),
        ({"role": "admin"}, b"Select a valid choice."),
        ({"duration": "99999"}, b"Select a valid choice."),
    ],
)
def test_without_a_reason_or_with_what_was_not_offered_nothing_is_activated(
    forged: dict[str, str], said: bytes, browser: Client
) -> None:
    assert said in browser.post(MINE, {**POSTED, **forged}).content
    assert browser.get(ACCESS).status_code == 403


def test_of_two_roles_that_exclude_each_other_the_first_has_to_be_dropped(
    registry: Registry, stranger: User, client_for: ClientFor
) -> None:
    for slug in ("one", "two"):
        declare(slug, permissions=frozenset({LOOK}))
    DsdSet("one_hat", {"one", "two"})
    sync()
    for slug in ("one", "two"):
        assign_role_as_system(slug, stranger, reason="test")
    browser, posted = client_for(stranger), {"reason": "", "duration": "15"}
    assert browser.post(MINE, {**posted, "role": "one"}).status_code == 302
    assert b"the separation of duty" in browser.post(MINE, {**posted, "role": "two"}).content
    browser.post(f"{MINE}one/drop/")
    assert browser.post(MINE, {**posted, "role": "two"}).status_code == 302


def test_the_page_is_in_the_navigation_of_those_who_need_it(
    auditor: User, browser: Client, stranger: User, client_for: ClientFor
) -> None:
    assert f'href="{MINE}"' in browser.get("/account/").content.decode()
    others = client_for(stranger)
    assert f'href="{MINE}"' not in others.get("/account/").content.decode()
    assert b"You have no role that must be activated" in others.get(MINE).content
    assert b"have not activated it" not in others.get(ACCESS).content


def test_nothing_is_asked_for_the_navigation_while_no_role_needs_activation(
    stranger: User, client_for: ClientFor
) -> None:
    browser = client_for(stranger)
    with queries() as asked:
        assert MINE.encode() not in browser.get("/account/").content
    assert [each["sql"] for each in asked if "rbac_roleassignment" in each["sql"] and "scope_type" in each["sql"]] == []


def test_the_page_that_explains_tells_not_activated_apart_from_not_held(
    auditor: User, administrator: User, stranger: User, client_for: ClientFor
) -> None:
    browser = client_for(administrator)

    def explained(person: User) -> str:
        return browser.get(reverse("rbac:explain"), {"person": person.email, "permission": LOOK}).content.decode()

    assert "not activated" in explained(auditor)
    assert "Refused: what would allow it is not in force." in explained(auditor)
    assert "not activated" not in explained(stranger)
    assert "Refused: no role and no share allows it." in explained(stranger)
