"""`record()`: one INSERT, in the current transaction; what can't be written did not happen."""

import json
import logging
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.audit import api
from apps.audit.context import acting_as
from apps.audit.errors import MissingActor, NotRecorded, UnknownAction, Unserializable
from apps.audit.models import Event
from tests.audit.events import told
from tests.testapp.models import Thing

pytestmark = pytest.mark.django_db


def test_an_event_is_one_insert(django_assert_num_queries: Any) -> None:
    thing = Thing.objects.create(title="a thing")
    with django_assert_num_queries(1) as queries:
        api.record("testapp.thing.changed", target=thing, changes={"title": ["a", "b"]}, to="b")
    assert queries.captured_queries[0]["sql"].startswith("INSERT INTO")


def test_what_is_read_back_is_what_was_written_and_fits_its_digest() -> None:
    thing = Thing.objects.create(title="Überweisung")
    event = api.record(
        "testapp.thing.changed", target=thing, changes={"title": ["alt", "neu"]}, reason="asked by phone", to="neu"
    )
    stored = told().get()
    assert {name: getattr(stored, name) for name in (*Event.COLUMNS, "digest")} == {
        name: getattr(event, name) for name in (*Event.COLUMNS, "digest")
    }
    assert stored.is_intact
    assert (stored.target_type, stored.target_id, stored.target_label) == (
        "testapp.thing",
        str(thing.pk),
        "Überweisung",
    )
    assert json.loads(stored.changes) == {"title": ["alt", "neu"]}
    assert json.loads(stored.details) == {"to": "neu"}
    assert (stored.outcome, stored.severity, stored.reason) == ("success", "info", "asked by phone")


def test_the_database_holds_the_text_that_the_digest_covers() -> None:
    event = api.record("testapp.thing.changed", to="Überweisung 🔒")
    with connection.cursor() as cursor:
        cursor.execute("SELECT occurred_at, details FROM audit_event WHERE action = 'testapp.thing.changed'")
        assert cursor.fetchone() == (event.occurred_at, '{"to":"Überweisung 🔒"}')


def test_ids_ascend_as_events_happen() -> None:
    events = [api.record("testapp.thing.changed", to=number) for number in range(50)]
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert [event.pk for event in told()] == [event.pk for event in events]


@pytest.mark.asvs("16.2.2")
def test_the_time_is_that_of_the_id() -> None:
    event = api.record("testapp.thing.changed", to="x")
    assert event.time is not None
    assert event.id.int >> 80 == round(event.time.timestamp() * 1000)


def test_an_event_vanishes_with_the_transaction_that_it_tells_of() -> None:
    def change_and_fail() -> None:
        with transaction.atomic():
            api.record("testapp.thing.changed", to="x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert told().count() == 0


WRONG: dict[str, tuple[type[Exception], Any]] = {
    "an unknown action": (UnknownAction, lambda: api.record("testapp.thing.unheard_of")),
    "a value of an unknown type": (Unserializable, lambda: api.record("testapp.thing.changed", to=object())),
    "a change without its old value": (Unserializable, lambda: api.record("testapp.thing.changed", changes={"a": 1})),
    "an unknown outcome": (NotRecorded, lambda: api.record("testapp.thing.changed", outcome="perhaps")),
    "no person where one is needed": (MissingActor, lambda: api.record("testapp.thing.signed")),
    "a target that can't say its name": (NotRecorded, lambda: api.record("testapp.thing.changed", target=Nameless())),
}


class Nameless(Thing):
    class Meta:
        proxy = True
        app_label = "testapp"

    def __str__(self) -> str:
        raise RuntimeError("hunter2")


@pytest.mark.asvs("16.5.3")
@pytest.mark.parametrize("what", WRONG)
def test_what_can_not_be_recorded_is_rolled_back_even_if_the_error_is_swallowed(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected, act = WRONG[what]
    with transaction.atomic():
        Thing.objects.create(title="unrecorded")
        with pytest.raises(expected) as raised:
            act()
    assert isinstance(raised.value, NotRecorded)
    assert Thing.objects.count() == 0
    (line,) = [each for each in caplog.records if each.name == "audit.emergency"]
    assert line.levelno == logging.CRITICAL
    assert "hunter2" not in line.getMessage() + str(raised.value)


def test_a_target_that_can_not_say_its_name_does_not_mute_its_own_alarm() -> None:
    thing = Nameless(pk=7)
    api.record_after_rollback("testapp.thing.refused", target=thing)
    assert told().get().target_label == f"{Nameless._meta.label_lower}:7"


@pytest.mark.asvs("16.5.3")
def test_a_database_that_refuses_the_insert_rolls_the_action_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr("apps.audit.writing.insertion", disk_full)
    with transaction.atomic():
        Thing.objects.create(title="unrecorded")
        with pytest.raises(NotRecorded, match=r"testapp\.thing\.changed could not be recorded"):
            api.record("testapp.thing.changed", to="x")
    assert Thing.objects.count() == 0


@pytest.mark.asvs("16.2.5")
def test_a_sensitive_action_keeps_no_values() -> None:
    api.record("testapp.thing.sealed", changes={"pin": ["1234", "5678"]})
    assert told().get().changes == '{"pin":"changed"}'


def test_an_action_that_needs_a_person_takes_one(make_user: Any) -> None:
    ann: User = make_user(email="ann@example.org")
    with acting_as(ann):
        api.record("testapp.thing.signed")
    assert told().get().actor_label == "ann@example.org"


def test_after_rollback_outside_of_a_request_is_written_at_once() -> None:
    api.record_after_rollback("testapp.thing.refused", reason="no")
    assert told().get().outcome == "denied"


@pytest.mark.django_db(transaction=True)
def test_in_acting_as_a_refusal_outlives_the_roll_back_of_the_command() -> None:
    def work() -> None:
        with acting_as(None, reason="nightly"), transaction.atomic():
            Thing.objects.create(title="undone")
            api.record("testapp.thing.changed", to="x")
            api.record_after_rollback("testapp.thing.refused")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert [event.action for event in told()] == ["testapp.thing.refused"]
    assert told().get().reason == "nightly"


def test_texts_longer_than_their_columns_are_cut_and_not_refused() -> None:
    api.record("testapp.thing.changed", target=Thing(pk=1, title="t" * 1000), reason="r" * 1000, to="x" * 1000)
    event = told().get()
    assert (len(event.target_label), len(event.reason)) == (200, 500)
    assert event.reason.endswith("…")
    assert event.is_intact
