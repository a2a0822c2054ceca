"""Exports: what a SIEM and a spreadsheet are given, checked against the schemas' own requirements."""

import csv
import io
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit import api, ecs, exports, ocsf
from apps.audit.actions import Outcome, registered
from apps.audit.context import acting_as, of_request
from apps.audit.models import Event
from tests.audit.test_my_activity import request_from
from tests.audit.test_pages import auditor
from tests.factories import give_role
from tests.testapp.models import Thing

__all__ = ["auditor"]
pytestmark = pytest.mark.django_db

# OCSF 1.8.0, as its schema files say: what each class requires, and what else of it is used here.
BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
REQUIRED = {3001: {"user"}, 3002: {"user", "service"}, 3005: {"user"}, 6003: {"actor", "api", "src_endpoint"}}
OPTIONAL = {"actor", "http_request", "message", "src_endpoint", "status_detail", "status_id", "unmapped"}
OF_CLASS = {3005: {"privileges", "resource"}, 6003: {"resources"}}
ACTIVITIES = {3001: range(13), 3002: range(8), 3005: range(3), 6003: range(5)}
ONE_OF = {
    "actor": {"app_name", "app_uid", "iam_role", "invoked_by", "process", "session", "user"},
    "resource": {"name", "uid"},
    "service": {"name", "uid"},
    "src_endpoint": {"hostname", "ip", "name", "uid"},
    "user": {"account", "name", "uid"},
}

# ECS 9.0, as its field reference says: the type of every field that is used here.
ECS = {
    "@timestamp": "date", "ecs.version": "keyword", "message": "text", "event.id": "keyword", "event.kind": "keyword",
    "event.dataset": "keyword", "event.provider": "keyword", "event.action": "keyword", "event.category": "keyword[]",
    "event.type": "keyword[]", "event.outcome": "keyword", "event.severity": "long", "event.reason": "keyword",
    "event.hash": "keyword", "user.id": "keyword", "user.name": "keyword", "process.name": "keyword", "source.ip": "ip",
    "user_agent.original": "keyword", "http.request.method": "keyword", "http.request.id": "keyword",
    "trace.id": "keyword", "related.ip": "ip[]", "related.user": "keyword[]",
}  # fmt: skip
EXPECTED_TYPES = {
    "authentication": {"end", "info", "start"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "database": {"access", "change", "error", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "session": {"end", "info", "start"},
}


@pytest.fixture
def one_of_each(owner: User) -> list[Event]:
    """An event of every action with every outcome, of a request and of a command, with and without a target."""
    happenings = [
        api.Happening(target, {"title": ["old", "new"]}, outcome, "why", {"to": "ann@example.org", "field": "x"})
        for target in (None, Thing(pk=1, title="a thing"), owner)
        for outcome in Outcome
    ]
    request = request_from("2001:db8::7", owner)
    request.request_id = "0af7651916cd43dd8448eb211c80319c"  # type: ignore[attr-defined]
    made = []
    for name in registered():
        with acting_as(owner):
            made += [api.event_of(name, happening) for happening in happenings]
        with of_request(request):
            made.append(api.event_of(name, happenings[0]))
        if not registered()[name].needs_actor:
            made.append(api.event_of(name, api.Happening()))
    return made


@pytest.mark.asvs("16.4.3")
def test_every_event_is_a_valid_event_of_ocsf(one_of_each: list[Event]) -> None:
    for event in one_of_each:
        found = json.loads(exports.line("ocsf", event))
        kind = found["class_uid"]
        assert BASE | REQUIRED[kind] <= found.keys()
        assert found.keys() <= BASE | REQUIRED[kind] | OPTIONAL | OF_CLASS.get(kind, set())
        assert found["category_uid"] == kind // 1000
        assert found["type_uid"] == kind * 100 + found["activity_id"]
        assert found["activity_id"] in {*ACTIVITIES[kind], 99}
        assert found["severity_id"] in range(1, 7)
        assert found["status_id"] in {1, 2}
        assert found["metadata"]["version"] == "1.8.0"
        assert found["metadata"]["product"]["name"]
        assert datetime.fromtimestamp(found["time"] / 1000, UTC) == event.time
        for name, choices in ONE_OF.items():
            assert name not in found or any(found[name].get(each) for each in choices), (name, event.action)
        assert kind != 6003 or found["api"]["operation"] == event.action


@pytest.mark.parametrize(
    ("action", "details", "kind", "activity"),
    [
        ("accounts.session.started", {}, 3002, 1),
        ("accounts.session.ended", {}, 3002, 2),
        ("accounts.sign_in.failed", {"email": "x"}, 3002, 1),
        ("accounts.user.registered", {}, 3001, 1),
        ("accounts.password.changed", {}, 3001, 3),
        ("accounts.password.reset", {}, 3001, 4),
        ("rbac.role.granted", {"to": "ann", "role": "admin"}, 3005, 1),
        ("rbac.share.revoked", {"to": "ann", "permissions": ["view"]}, 3005, 2),
        ("rbac.access.refused", {"permission": "x"}, 6003, 99),
        ("encryption.key.changed", {}, 6003, 3),
        ("testapp.thing.viewed", {}, 6003, 2),
        ("testapp.thing.changed", {}, 6003, 3),
    ],
)
def test_actions_become_the_classes_and_activities_that_a_siem_knows(
    action: str, details: dict[str, Any], kind: int, activity: int
) -> None:
    found = ocsf.document(api.event_of(action, api.Happening(details=details)))
    assert (found["class_uid"], found["activity_id"]) == (kind, activity)


def is_of(kind: str, value: Any) -> bool:
    if kind.endswith("[]"):
        return isinstance(value, list) and bool(value) and all(is_of(kind[:-2], each) for each in value)
    return isinstance(value, int) if kind == "long" else isinstance(value, str) and bool(value)


@pytest.mark.asvs("16.4.3")
def test_every_event_has_only_fields_of_ecs_each_of_its_type(one_of_each: list[Event]) -> None:
    for event in one_of_each:
        found = json.loads(exports.line("ecs", event))
        assert all(isinstance(label, str) for label in found.pop("labels").values())
        assert set(found.pop("audit")) <= {"changes", "details"}
        for name, value in found.items():
            assert is_of(ECS[name], value), (name, value)
        [category] = found["event.category"]
        assert set(found["event.type"]) <= EXPECTED_TYPES[category], event.action
        assert found["event.outcome"] in {"failure", "success"}


def test_a_stored_line_proves_its_digest(one_of_each: list[Event]) -> None:
    for event in one_of_each:
        again = Event(**json.loads(exports.line("jsonl", event)))
        assert again.is_intact


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1))
def test_no_cell_of_a_csv_is_a_formula_and_each_can_be_read_back(cells: list[str]) -> None:
    [read] = csv.reader(io.StringIO(exports.row(cells), newline=""))
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in read)
    assert [cell.removeprefix("'") for cell in read] == cells


@pytest.mark.asvs("1.2.10")
@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1", "'=1"])
def test_a_formula_is_defused(cell: str) -> None:
    assert exports.defused(cell) == f"'{cell}"


def test_the_csv_of_the_page_has_what_its_filters_select(auditor: Client, owner: User) -> None:
    with acting_as(owner):
        api.record("testapp.thing.changed", to="=1+1")
    api.record("testapp.thing.changed", to="of nobody")
    answer = auditor.get(reverse("audit:export"), {"actor": owner.email})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode(), newline="")))  # type: ignore[call-overload]
    assert [row["sentence"] for row in rows] == [f"{owner.email} changed (not said) to =1+1"]
    assert rows[0]["digest"] == Event.objects.get(actor_id=str(owner.pk)).digest


@pytest.mark.asvs("16.3.2")
def test_each_export_is_an_event_also_the_second_of_the_same(auditor: Client) -> None:
    for _ in range(2):
        b"".join(auditor.get(reverse("audit:export"), {"category": "data"}))  # type: ignore[call-overload]
    told = Event.objects.filter(action="audit.log.exported")
    assert [event.details for event in told] == ['{"filters":{"category":"data"},"format":"csv"}'] * 2


@pytest.mark.asvs("8.2.1")
def test_reading_the_log_is_not_enough_to_export_it(
    stranger: User, administrator: User, client_for: Callable[[User], Client]
) -> None:
    give_role(stranger, "testapp.reader_of_the_log")
    page = client_for(stranger).get(reverse("audit:event_list"))
    refused = client_for(stranger).get(reverse("audit:export"))
    assert (page.status_code, refused.status_code) == (200, 403)
    assert reverse("audit:export") not in page.text
    assert reverse("audit:export") in client_for(administrator).get(reverse("audit:event_list")).text


def test_an_unreadable_filter_exports_nothing(auditor: Client) -> None:
    answer = auditor.get(reverse("audit:export"), {"since": "yesterday"})
    assert "Write a day and a time" in answer.text
    assert not Event.objects.filter(action="audit.log.exported").exists()


def test_a_csv_that_is_cut_says_so_in_its_last_row(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CSV_MOST", 3)
    monkeypatch.setattr(exports, "BATCH", 2)
    for number in range(5):
        api.record("testapp.thing.changed", to=number)
    events = Event.objects.filter(action="testapp.thing.changed")
    rows = list(csv.reader(io.StringIO("".join(exports.download(events)), newline="")))
    assert [row[0].rpartition(" ")[2] for row in rows[1:4]] == ["4", "3", "2"]
    assert rows[4] == ["Only the newest 3 events are here. For all: manage.py audit export"]
    assert "Only the newest" not in "".join(exports.download(events.filter(id__in=[])))


@pytest.mark.django_db(transaction=True)
def test_events_are_streamed_when_they_are_committed(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.AUDIT_STREAM = "ecs"
    with caplog.at_level(logging.INFO, "audit.events"):
        event = api.record("testapp.thing.changed", to="x")
        settings.AUDIT_STREAM = ""
        api.record("testapp.thing.changed", to="not streamed")
    [line] = [record.getMessage() for record in caplog.records if record.name == "audit.events"]
    assert json.loads(line) == ecs.document(event)
