"""AUDIT_SIGNALS: a signal becomes an event, in the transaction of its sender; a broken map stops the server."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.dispatch import Signal

from apps.audit import checks, signals
from apps.audit.actions import Survives
from apps.audit.errors import NotRecorded
from apps.audit.middleware import AuditContextMiddleware
from tests.audit.events import told
from tests.testapp.models import Thing

pytestmark = pytest.mark.django_db

changed, refused, broken = Signal(), Signal(), Signal()
not_a_signal = object()


@pytest.fixture(autouse=True)
def wired(settings: Any) -> Iterator[None]:
    settings.AUDIT_SIGNALS = {
        f"{__name__}.changed": "testapp.thing.changed",
        f"{__name__}.refused": Survives("testapp.thing.refused"),
    }
    signals.connect()
    signals.connect()
    yield
    for signal in (changed, refused, broken):
        signal.receivers.clear()
        signal.sender_receivers_cache.clear()


def test_a_signal_becomes_one_event_with_all_that_it_carries() -> None:
    thing = Thing.objects.create(title="a thing")
    changed.send(
        sender=None, target=thing, outcome="failure", changes={"title": ["a", "b"]}, reason="why", details={"to": "b"}
    )
    event = told().get()
    assert (event.action, event.outcome, event.reason) == ("testapp.thing.changed", "failure", "why")
    assert (event.target_id, event.changes, event.details) == (str(thing.pk), '{"title":["a","b"]}', '{"to":"b"}')


def test_all_arguments_may_be_left_out() -> None:
    changed.send(sender=None)
    assert told().get().outcome == "success"


def test_details_may_be_named_like_arguments() -> None:
    changed.send(sender=None, details={"target": 1, "action": 2, "reason": 3})
    assert told().get().details == '{"action":2,"reason":3,"target":1}'


def test_an_event_that_can_not_be_written_fails_its_sender() -> None:
    def change_unrecorded() -> None:
        with transaction.atomic():
            Thing.objects.create(title="undone")
            changed.send(sender=None, details={"to": object()})

    with pytest.raises(NotRecorded):
        change_unrecorded()
    assert Thing.objects.count() == 0


def test_an_unknown_signal_and_an_unknown_action_are_check_errors(settings: Any) -> None:
    settings.AUDIT_SIGNALS = {
        "no.such.module.signal": "testapp.thing.changed",
        f"{__name__}.not_a_signal": "testapp.thing.changed",
        f"{__name__}.broken": "testapp.thing.chagned",
    }
    problems = checks.signals_are_wired()
    assert [problem.id for problem in problems] == ["audit.E001"] * 3
    assert "testapp.thing.changed?" in problems[2].msg


def test_a_server_with_a_broken_map_does_not_start(settings: Any) -> None:
    settings.AUDIT_SIGNALS = {"no.such.module.signal": "testapp.thing.changed"}
    with pytest.raises(ImproperlyConfigured, match=r"no\.such\.module\.signal"):
        AuditContextMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]


def test_a_signal_wired_to_an_unknown_action_refuses_what_it_tells_of(settings: Any) -> None:
    settings.AUDIT_SIGNALS = {f"{__name__}.broken": "testapp.thing.unheard_of"}
    signals.connect()
    with pytest.raises(NotRecorded):
        broken.send(sender=None)


def test_without_any_map_nothing_is_wrong(settings: Any) -> None:
    del settings.AUDIT_SIGNALS
    assert signals.problems() == []


def test_a_project_without_the_middleware_is_told(settings: Any) -> None:
    assert checks.requests_have_a_context() == []
    settings.MIDDLEWARE = []
    assert [problem.id for problem in checks.requests_have_a_context()] == ["audit.E002"]
