"""What a user sees of the log: his own activity, and the history of an object on its page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.models import User
from apps.audit import api
from apps.audit.context import acting_as, of_request
from apps.audit.views import my_activity
from tests.testapp.models import Thing

pytestmark = pytest.mark.django_db

MINE = "audit:my_activity"


@pytest.mark.asvs("8.2.2")
def test_my_activity_lists_my_own_events_and_nobody_elses(
    owner: User, colleague: User, client_for: Callable[[User], Client]
) -> None:
    for user in (owner, colleague):
        with acting_as(user):
            api.record("testapp.thing.changed", to=f"by {user.email}")
    page = client_for(owner).get(reverse(MINE)).text
    assert "by owner@example.org" in page
    assert "colleague@example.org" not in page


def test_my_activity_lists_what_others_did_to_my_account_without_their_address(
    owner: User, administrator: User, client_for: Callable[[User], Client]
) -> None:
    stranger, admin = Client(REMOTE_ADDR="203.0.113.9"), client_for(administrator)
    stranger.post(reverse("account_login"), {"login": owner.email, "password": "guessed-it-wrong-1"})
    with of_request(request_from("198.51.100.7", administrator)):
        api.record("testapp.thing.changed", target=owner, to="renamed")
    page = client_for(owner).get(reverse(MINE)).text
    assert "failed to sign in as owner@example.org" in page
    assert "203.0.113.9" in page
    assert "administrator@example.org changed owner@example.org to renamed" in page
    assert "198.51.100.7" not in page
    assert "failed to sign in as owner" not in admin.get(reverse(MINE)).text


def request_from(address: str, user: User) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = user
    return request


def test_what_i_did_to_my_own_account_is_listed_once(owner: User, client_for: Callable[[User], Client]) -> None:
    with acting_as(owner):
        api.record("testapp.thing.changed", target=owner, to="renamed")
    assert client_for(owner).get(reverse(MINE)).text.count("to renamed") == 1


def test_my_activity_leaves_out_what_is_for_auditors(owner: User, client_for: Callable[[User], Client]) -> None:
    with acting_as(owner):
        api.record("testapp.thing.judged", target=Thing(pk=1, title="suspicious"))
    page = client_for(owner).get(reverse(MINE))
    assert "suspicious" not in page.text
    assert page.status_code == 200


def test_my_activity_of_nobody_is_refused_by_the_view_itself_too() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        my_activity(request)


def test_my_activity_with_a_broken_link_says_so(owner: User, client_for: Callable[[User], Client]) -> None:
    assert "was incomplete" in client_for(owner).get(reverse(MINE), {"before": "x"}).text


def test_a_timeline_tells_the_history_of_its_target_with_refusals_in_words(owner: User) -> None:
    thing, other = Thing.objects.create(title="mine"), Thing.objects.create(title="other")
    with acting_as(owner):
        api.record("testapp.thing.changed", target=thing, to="blue")
        api.record("testapp.thing.refused", target=thing, outcome="denied", reason="you may not")
        api.record("testapp.thing.judged", target=thing)
        api.record("testapp.thing.changed", target=other, to="secret")
    text = Template("{% load audit %}{% audit_timeline thing %}").render(Context({"thing": thing}))
    assert "owner@example.org changed mine to blue" in text
    assert (
        text.index('<li class="bad">') < text.index("refused</span>") < text.index("you may not") < text.index("blue")
    )
    assert "secret" not in text
    assert "judged" not in text
    assert text.count("<time datetime=") == 2


def test_a_timeline_is_one_query_and_no_longer_than_its_limit(django_assert_num_queries: Any) -> None:
    thing = Thing.objects.create(title="mine")
    for number in range(5):
        api.record("testapp.thing.changed", target=thing, to=number)
    with django_assert_num_queries(1):
        text = Template("{% load audit %}{% audit_timeline thing limit=3 %}").render(Context({"thing": thing}))
    assert text.count("<li") == 3


def test_a_timeline_without_events_says_so() -> None:
    text = Template("{% load audit %}{% audit_timeline thing %}").render(Context({"thing": Thing(pk=1)}))
    assert "Nothing has happened" in text
