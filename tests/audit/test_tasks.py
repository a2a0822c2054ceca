"""Work that goes on elsewhere is still done by the person who asked for it: tasks, other queues, threads, asyncio."""

import contextvars
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction
from django.test import RequestFactory

from apps.accounts.models import User
from apps.audit import api
from apps.audit.context import acting_as, carried, current, of_request, resumed
from apps.audit.errors import MissingActor
from apps.audit.tasks import submit
from tests.audit.background_work import refuse_and_fail, sign
from tests.audit.events import told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(make_user: Any) -> User:
    user: User = make_user(email="ann@example.org")
    return user


def request_by(user: User) -> Any:
    request: Any = RequestFactory().get("/")
    request.user, request.request_id = user, "a" * 32
    return request


def test_a_task_is_done_by_whoever_enqueued_it_in_which_request(ann: User) -> None:
    with of_request(request_by(ann)):
        submit(sign, "Bob")
    event = told().get()
    assert (event.actor_label, event.request_id) == ("ann@example.org", "a" * 32)
    assert (event.method, event.ip) == ("", "")  # the work itself came over no network
    assert event.route.startswith("system:")


def test_a_task_is_enqueued_when_its_transaction_commits_and_not_when_it_does_not(ann: User) -> None:
    with acting_as(ann), transaction.atomic():
        submit(sign, "Bob")
        assert told().count() == 0
        transaction.set_rollback(True)
    assert told().count() == 0
    with acting_as(ann), transaction.atomic():
        submit(sign, to="Bob")
    assert told().count() == 1


def test_a_task_that_nobody_enqueued_is_refused_what_needs_a_person() -> None:
    assert sign.enqueue("Bob").errors[0].exception_class is MissingActor
    assert told().count() == 0


def test_a_refusal_in_a_task_that_fails_is_written(ann: User) -> None:
    with acting_as(ann):
        submit(refuse_and_fail)
    assert (told().get().action, told().get().actor_label) == ("testapp.thing.refused", "ann@example.org")


def test_what_is_carried_is_plain_json_and_resumes_in_another_process(ann: User) -> None:
    bob = User(email="bob@example.org")
    with of_request(request_by(ann)), acting_as(bob, reason="asked by phone"):
        queued = json.dumps(carried())
    with acting_as(bob), resumed(json.loads(queued)):
        context = current()
    assert (context.actor.label, context.reason) == ("ann@example.org", "asked by phone")
    assert context.origin.request_id == "a" * 32
    assert context.on_behalf_of is not None
    assert context.on_behalf_of.label == "bob@example.org"
    assert current().actor.type == "system"


def test_a_task_hands_its_context_on_to_the_task_that_it_enqueues(ann: User) -> None:
    with acting_as(ann, reason="import"):
        first = carried()
    with resumed(first), acting_as(ann):
        second = carried()
    assert second["reason"] == "import"
    assert {each[2] for each in second["people"]} == {"ann@example.org"}


def test_what_is_carried_of_nobody_is_the_system() -> None:
    with resumed(carried()):
        assert current().actor.type == "system"
    with resumed({}):
        assert current().actor.type == "system"


def test_a_thread_takes_a_copy_of_the_context(ann: User) -> None:
    with acting_as(ann), ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, current).result()
        assert pool.submit(current).result().actor.type == "system"  # without a copy it knows nobody
        assert pool.submit(contextvars.copy_context().run, current).result().actor.label == "ann@example.org"


def test_an_event_of_a_task_fits_its_digest(ann: User) -> None:
    with resumed({"people": [["user", "7", "x\x1b[2J"]], "reason": "\n", "request_id": "\x00"}):
        api.record("testapp.thing.signed", to="Bob")
    assert told().get().is_intact
    assert told().get().actor_label == "x\\x1b[2J"
