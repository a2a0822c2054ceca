"""What an event tells of a person is sealed under their own key, and every page and export shows it all the same."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit import api, exports, subjects
from apps.audit.api import Happening, acting_as, event_of, record
from apps.audit.context import Actor
from apps.audit.errors import AppendOnlyError, NotRecorded
from apps.audit.models import Event
from apps.audit.writing import write
from apps.encryption.models import SubjectKey
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.sharing import share
from tests.audit.events import told
from tests.audit.test_pages import auditor
from tests.audit.test_tracking import _as_before, made
from tests.encryption import reference
from tests.testapp.models import Letter, Thing

__all__ = ["_as_before", "auditor"]
pytestmark = pytest.mark.django_db
ACTION = "testapp.thing.changed"


def stored(event: Event, *columns: str) -> list[str]:
    return list(Event.objects.values_list(*columns).get(pk=event.pk))


def is_cell(text: str) -> bool:
    return subjects.CELL.fullmatch(text) is not None


def test_a_persons_labels_changes_details_and_reasons_are_sealed_and_ids_are_not(owner: User, colleague: User) -> None:
    with acting_as(colleague, reason="asked by phone"):
        event = record(ACTION, target=owner, changes={"email": ["a@example.org", "b@example.org"]}, to="Ann")
    label, target, reason, changes, details = stored(
        event, "actor_label", "target_label", "reason", "changes", "details"
    )
    assert all(map(is_cell, (label, target, reason, changes, details)))
    assert stored(event, "actor_id", "target_id") == [str(colleague.pk), str(owner.pk)]
    keys = {key.hex: subject for key, subject in SubjectKey.objects.values_list("id", "subject")}
    assert keys[label.split(":")[1]] == f"accounts.user:{colleague.pk}"
    assert {keys[each.split(":")[1]] for each in (target, reason, changes, details)} == {f"accounts.user:{owner.pk}"}
    loaded = Event.objects.get(pk=event.pk)
    for each in (event, loaded):
        assert each.actor_label == "colleague@example.org"
        assert each.sentence == "colleague@example.org changed owner@example.org to Ann"
        assert (each.reason, each.changes) == ("asked by phone", '{"email":["a@example.org","b@example.org"]}')
        assert each.is_intact


def test_for_whom_somebody_acts_is_sealed_under_the_key_of_that_person(owner: User, colleague: User) -> None:
    with acting_as(owner), acting_as(colleague):
        event = record(ACTION, to="x")
    assert is_cell(stored(event, "on_behalf_of")[0])
    loaded = Event.objects.get(pk=event.pk)
    assert loaded.actor == "owner@example.org (for colleague@example.org)"
    assert loaded.on_behalf_of == event.on_behalf_of
    assert loaded.is_intact


def test_a_row_about_a_person_is_sealed_for_them_and_one_about_nobody_is_not(owner: User) -> None:
    Letter.objects.create(owner=owner, title="Dear Ann")
    Letter.objects.create(title="Dear nobody")
    first, second = (stored(event, "target_label", "changes") for event in told())
    assert all(map(is_cell, first))
    assert second == ["Dear nobody", '{"title":[null,"Dear nobody"]}']
    assert [event.target_label for event in told()] == ["Dear Ann", "Dear nobody"]


def test_who_was_given_a_share_is_sealed_for_them_though_the_event_is_about_an_object(
    owner: User, colleague: User
) -> None:
    from tests.testapp.models import Document

    document = Document.objects.create(title="Plan A")
    assign_role_as_system("testapp.librarian", colleague, reason="a test")
    assign_role_as_system("testapp.document_owner", owner, document, reason="a test")
    share(owner, document, colleague, ["view"], reason="a test")
    found = Event.objects.filter(action__in=("rbac.share.granted", "rbac.role.granted")).order_by("-id")
    for event in (found[0], found[2]):
        details, reason = stored(event, "details", "reason")
        assert is_cell(details)
        assert is_cell(reason)
        assert json.loads(event.details)["to"] == "colleague@example.org"


def test_what_is_empty_is_not_sealed_and_the_system_neither(owner: User) -> None:
    event = record("testapp.thing.viewed", target=owner)
    assert stored(event, "reason", "changes", "details") == ["", "{}", "{}"]
    assert stored(event, "actor_label")[0].startswith("system:")


def test_without_a_sealer_nothing_is_sealed_and_what_was_can_not_be_read(owner: User, settings: Settings) -> None:
    with acting_as(owner):
        before = record(ACTION, target=owner, to="x")
        del settings.AUDIT_SUBJECTS
        event = record(ACTION, target=owner, to="x")
    assert stored(event, "actor_label", "details") == ["owner@example.org", '{"to":"x"}']
    assert Event.objects.get(pk=before.pk).actor_label == "(can't be read)"
    assert Event.objects.get(pk=before.pk).is_intact


@pytest.mark.parametrize("column", ["actor_label", "target_label", "details", "on_behalf_of"])
def test_a_cell_of_another_event_or_column_or_a_changed_one_is_not_opened(
    column: str, owner: User, colleague: User
) -> None:
    with acting_as(colleague), acting_as(owner):
        events = [event_of(ACTION, Happening(owner, details={"to": "x"})) for _ in range(3)]
    first, second, third = events
    first.cells = {**first.cells, column: second.cells[column]}
    second.cells = {**second.cells, column: re.sub("(sealed:.{32}:).", r"\1-", second.cells[column])}
    third.cells = {**third.cells, "reason": third.cells["target_label"]}
    for event in events:
        write(event)
    for event in Event.objects.filter(pk__in=[first.pk, second.pk]):
        assert "(can't be read)" in getattr(event, column)
        assert not event.is_intact
    assert Event.objects.get(pk=third.pk).reason == "(can't be read)"


NOT_CELLS = ["sealed:", "sealed::", "sealed:x", f"sealed:{'0' * 32}:AAAA", f"sealed:{UUID(int=1).hex}:", "sealed:é"]


@pytest.mark.parametrize("text", NOT_CELLS)
def test_a_title_that_looks_like_a_cell_is_shown_as_it_is(text: str, auditor: Client) -> None:
    event = record(ACTION, target=Thing.objects.create(title=text), reason=text, to=text)
    loaded = Event.objects.get(pk=event.pk)
    assert (loaded.target_label, loaded.reason, json.loads(loaded.details)) == (text, text, {"to": text})
    assert loaded.is_intact
    assert auditor.get(reverse("audit:event_detail", args=[event.pk])).status_code == 200


@pytest.mark.parametrize("text", [*NOT_CELLS, "[]", '{"label":"sealed:"}', '{"x":"label":"sealed:', "\x00"])
@pytest.mark.parametrize("column", subjects.COLUMNS)
def test_what_somebody_wrote_there_by_sql_breaks_no_page(text: str, column: str, auditor: Client) -> None:
    if "\x00" in text and connection.vendor == "postgresql":
        pytest.skip("no text has it")
    event = event_of(ACTION, Happening(Thing.objects.create(title="x"), details={"to": "x"}))
    event.cells = {column: text}
    write(event)
    assert auditor.get(reverse("audit:event_detail", args=[event.pk])).status_code == 200
    assert auditor.get(reverse("audit:event_list")).status_code == 200


class AnyText(TestCase):
    @given(st.text() | st.text().map(lambda text: f"sealed:{text}"), st.booleans())
    def test_round_trips(self, text: str, sealed: bool) -> None:
        event = event_of(ACTION, Happening(details={"to": text}, reason=text))
        people = ["accounts.user:1" if sealed else ""] * 6
        event.actor_label = event.target_label = event.reason
        event.on_behalf_of = api.principal_text(Actor("user", "1", text))
        shown = {column: getattr(event, column) for column in subjects.COLUMNS}
        event.cells = {}
        subjects.seal(event, people)
        event.digest = event.computed_digest()
        write(event)
        loaded = Event.objects.get(pk=event.pk)
        assert {column: getattr(loaded, column) for column in subjects.COLUMNS} == shown
        assert loaded.is_intact


def test_the_longest_texts_fit(owner: User) -> None:
    event = event_of(ACTION, Happening(owner, reason="𝕏" * 600, details={"to": ["𝕏" * 500] * 60}))
    event.actor_label = event.target_label = "𝕏" * 254
    subjects.seal(event, [f"accounts.user:{owner.pk}"] * 6)
    write(event)
    loaded = Event.objects.get(pk=event.pk)
    assert (loaded.actor_label, loaded.reason) == ("𝕏" * 254, "𝕏" * 499 + "…")
    assert len(json.loads(loaded.details)["to"]) == 60


def test_many_events_of_many_people_are_opened_by_one_query(
    make_user: Callable[..., User], django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        with acting_as(make_user()):
            record(ACTION, target=make_user(), to="x")
    with django_assert_num_queries(2):
        assert len({event.sentence for event in told()}) == 5
    with django_assert_num_queries(1):
        list(told().filter(actor_type="system"))


def test_every_export_but_the_stored_form_shows_what_was_opened(owner: User) -> None:
    with acting_as(owner):
        record(ACTION, target=owner, to="Ann")
    (event,) = exports.walk(told())
    for form in ("csv", "ecs", "ocsf"):
        line = exports.line(form, event)
        assert "owner@example.org" in line
        assert "sealed:" not in line
    kept = json.loads(exports.line("jsonl", event))
    assert is_cell(kept["actor_label"])
    assert "Ann" not in json.dumps(kept)


def test_an_event_with_cells_is_stored_by_writing_only(owner: User) -> None:
    with acting_as(owner), pytest.raises(AppendOnlyError):
        event_of(ACTION, Happening()).save()


def test_what_can_not_be_sealed_is_not_recorded(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr("apps.encryption.subjects.seal", broken)
    with acting_as(owner), pytest.raises(NotRecorded):
        record(ACTION, to="x")


def test_the_vector_opens_and_is_what_the_specification_says() -> None:
    made = json.loads((Path(subjects.__file__).parent / "vectors" / "cell-1.json").read_text())
    SubjectKey.objects.create(id=UUID(made["key_id"]), subject="accounts.user:1", key=bytes.fromhex(made["key"]))
    event = event_of(ACTION, Happening())
    event.id, event.cells = UUID(made["event"]), {made["column"]: made["cell"]}
    write(event)
    assert Event.objects.get(pk=event.pk).actor_label == made["text"]
    sealed = urlsafe_b64decode(made["cell"].split(":")[2] + "==")
    aad = b"rampart/subject/1audit cell 1\n" + bytes.fromhex(made["event"].replace("-", "")) + made["column"].encode()
    key = reference.hkdf(bytes.fromhex(made["key"]), b"rampart/subject/1")
    nonce, padded = sealed[:24], reference.pad(made["text"].encode())
    assert sealed == nonce + reference.xaes_seal(key, nonce, padded, aad)


def test_the_live_stream_tells_in_words(
    owner: User, settings: Settings, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    settings.AUDIT_STREAM = "ecs"
    with caplog.at_level("INFO", "audit.events"), acting_as(owner), django_capture_on_commit_callbacks(execute=True):
        record(ACTION, target=owner, to="Ann")
    assert "owner@example.org changed owner@example.org to Ann" in caplog.text
    assert "sealed:" not in caplog.text


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("named", ["nobody", "title"])
def test_with_a_subject_that_is_no_foreign_key_the_site_does_not_start(named: str) -> None:
    from django.db import models

    with pytest.raises(FieldError if named == "title" else FieldDoesNotExist, match=named):
        made(type("Audit", (), {"subject": named}), title=models.TextField())


@pytest.mark.usefixtures("_as_before")
def test_a_model_may_say_whose_it_is_and_not_be_tracked() -> None:
    from apps.audit.tracking import tracked

    model = made(type("Audit", (), {"subject": True, "track": ()}))
    assert tracked(model) is None
    assert tracked(User) is None
