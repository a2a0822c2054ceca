"""An event and what it tells of are committed or vanish together; a refusal outlives its request."""

import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client

from apps.accounts.models import User
from apps.audit.api import record_after_rollback
from apps.audit.context import current
from apps.audit.writing import is_collecting
from tests.audit.events import told
from tests.testapp.models import Thing


class RefuseBeforeTheView:
    """A policy: it refuses in process_view, where no transaction of the view is open yet."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        record_after_rollback("testapp.thing.refused", reason="by policy")
        raise PermissionDenied


BARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.audit.middleware.AuditContextMiddleware",
]


@pytest.fixture(autouse=True)
def bare_project(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.audit.urls"
    settings.MIDDLEWARE = BARE


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.django_db(transaction=True)
def test_a_change_and_its_event_are_committed_together(browser: Client) -> None:
    assert browser.post("/change/7/").status_code == 200
    assert (Thing.objects.count(), told().count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.5.3")
def test_a_change_and_its_event_vanish_together(browser: Client) -> None:
    assert browser.post("/change-then-fail/").status_code == 500
    assert (Thing.objects.count(), told().count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.3.2")
def test_a_refusal_outlives_the_roll_back_and_what_was_done_before_it_does_not(browser: Client) -> None:
    assert browser.post("/refuse/").status_code == 403
    event = told().get()
    assert (event.action, event.outcome, event.reason) == ("testapp.thing.refused", "denied", "not yours")
    assert Thing.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("view", ["refuse", "refuse-asynchronously"])
def test_under_asgi_a_refusal_outlives_the_roll_back_too(view: str) -> None:
    response = async_to_sync(AsyncClient(raise_request_exception=False).get)(f"/{view}/")
    assert response.status_code == 403
    assert [event.action for event in told()] == ["testapp.thing.refused"]
    assert told().get().route == f"{view}/"


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.3.2")
def test_a_refusal_by_a_middleware_further_in_is_written(browser: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [*BARE, f"{__name__}.RefuseBeforeTheView"]
    assert browser.post("/change/7/").status_code == 403
    assert told().get().route == "change/<int:pk>/"


def test_refusals_of_one_request_are_written_in_one_insert(
    browser: Client, db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):  # the view's savepoint, then the queue's INSERT: 2 + 1
        browser.get("/refuse-twice/")
    assert [event.reason for event in told()] == ["first", "second"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("view", "status"), [("view", 200), ("view-then-fail", 500)])
def test_reads_that_are_deferred_are_written_after_the_view_whatever_became_of_it(
    browser: Client, view: str, status: int
) -> None:
    assert browser.get(f"/{view}/").status_code == status
    assert [event.action for event in told()] == ["testapp.thing.viewed"] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.5.3")
def test_a_view_that_swallows_the_error_is_rolled_back_all_the_same(
    browser: Client, caplog: pytest.LogCaptureFixture
) -> None:
    browser.get("/swallow/")
    assert Thing.objects.count() == 0
    assert [line.levelno for line in caplog.records if line.name == "audit.emergency"] == [logging.CRITICAL]


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.5.3")
def test_a_refusal_that_can_not_be_written_makes_the_answer_a_500_and_an_emergency_line(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def disk_full(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("secret detail of the disk")

    monkeypatch.setattr("apps.audit.writing.keep", disk_full)
    assert browser.get("/refuse-twice/").status_code == 500
    (line,) = [each for each in caplog.records if each.name == "audit.emergency"]
    assert "testapp.thing.refused" in line.getMessage()
    assert "secret detail" not in line.getMessage()


@pytest.mark.asvs("16.2.1")
def test_an_event_says_who_when_where_and_how(make_user: Any) -> None:
    ann: User = make_user(email="ann@example.org")
    client = Client(headers={"user-agent": "Lynx/2.9"}, REMOTE_ADDR="2001:db8::7")
    client.force_login(ann, backend="apps.accounts.backends.SignInBackend")
    assert client.post("/change/7/?token=secret").status_code == 200
    event = told().get()
    assert (event.actor_type, event.actor_id, event.actor_label) == ("user", str(ann.pk), "ann@example.org")
    assert (event.ip, event.user_agent, event.method) == ("2001:db8::7", "Lynx/2.9", "POST")
    assert (event.target_type, event.target_label) == ("testapp.thing", "a thing")
    assert event.route == "change/<int:pk>/"
    assert len(event.session) == 32
    assert event.time is not None
    assert event.is_intact


@pytest.mark.asvs("16.2.5")
def test_neither_the_session_key_nor_the_query_string_reach_the_log(make_user: Any) -> None:
    client = Client()
    client.force_login(make_user(), backend="apps.accounts.backends.SignInBackend")
    client.post("/change/7/?token=hunter2")
    row = str(told().values().get())
    assert "hunter2" not in row
    assert str(client.session.session_key) not in row


def test_somebody_not_signed_in_is_anonymous(browser: Client, db: None) -> None:
    browser.post("/change/7/")
    assert told().get().actor_type == "anonymous"


def test_the_context_ends_with_the_request(browser: Client, db: None) -> None:
    browser.post("/change/7/")
    assert current().origin.method == ""
    assert not is_collecting()


def test_a_page_without_events_does_not_load_the_user(make_user: Any, django_assert_num_queries: Any) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(), backend="apps.accounts.backends.SignInBackend")
    with django_assert_num_queries(2):  # the savepoint around the view, and no session or user
        client.get("/plain/")
