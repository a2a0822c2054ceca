"""Terminal codes, half characters and NUL in every text that reaches the log, and in rows that were written past it."""

import csv
import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import User
from apps.audit import api, exports, seals, witnesses
from apps.audit.canonical import HARMFUL
from apps.audit.context import of_request, resumed
from apps.audit.models import Event, Progress
from config.settings.logging import logging_with
from tests.audit.events import told
from tests.audit.sealed import attack, happen, seal
from tests.testapp.models import Book, Thing

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.1")]

EVIL = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\x7f\u202eb\u2028c\ufeff\U000e0041"
ESCAPED = r"\x1b[2J\x1b]0;owned\x07\r\x9b31m\x7f\u202eb\u2028c\ufeff\U000e0041"
CODE, SHOWN = "\x1b[2J\x9b\u202e", r"\x1b[2J\x9b\u202e"  # short enough for any column
TEXTS = [name for name in (*Event.COLUMNS, "digest") if name not in ("id", "schema")]

anything = st.text(st.characters() | st.characters(codec=None, categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=40)


def raw(shown: str) -> list[str]:
    """What of the text a terminal would obey. Lines may end."""
    return HARMFUL.findall(shown.replace("\r\n", "").replace("\n", ""))


class EveryTextOfAnEvent(TestCase):
    """With texts that are made to break something: what is stored, is harmless, fits its digest and is read back."""

    @given(anything, anything, anything, anything, st.dictionaries(anything, anything | st.lists(anything)))
    @settings(max_examples=60, deadline=None)
    def test_of_a_request_is_harmless(self, who: str, agent: str, what: str, why: str, more: dict[str, Any]) -> None:
        request = RequestFactory().generic(agent or "GET", "/", headers={"user-agent": agent}, REMOTE_ADDR=who)
        request.request_id, request.user = why, User(email=who)  # type: ignore[attr-defined]  # as middleware sets them
        with of_request(request):
            happening = api.Happening(Thing(pk=what, title=what), {what: [why, more]}, reason=why, details=more)
            event = api.write_event("testapp.thing.changed", happening)
        self.proven(event)

    @given(st.lists(st.tuples(anything, anything, anything), min_size=2, max_size=3), anything)
    @settings(max_examples=30, deadline=None)
    def test_of_a_task_is_harmless(self, people: list[tuple[str, str, str]], text: str) -> None:
        with resumed({"people": people, "reason": text, "request_id": text}):
            self.proven(api.record("testapp.thing.changed", to=text))

    def proven(self, event: Event) -> None:
        (stored,) = Event.objects.filter(pk=event.pk).values(*TEXTS)
        assert [name for name, text in stored.items() if HARMFUL.search(text)] == []
        assert Event.objects.get(pk=event.pk).is_intact


def test_a_tracked_row_tells_its_name_and_changes_without_them() -> None:
    book = Book.objects.create(title="Emma")
    book.title, book.extra = EVIL, {EVIL: [EVIL, {"deep": EVIL}]}
    book.save()
    event = told().reverse()[0]
    kept = {ESCAPED: [ESCAPED, {"deep": ESCAPED}]}
    assert event.target_label == ESCAPED
    assert json.loads(event.changes) == {"title": ["Emma", ESCAPED], "extra": [{}, kept]}
    assert HARMFUL.search(Book.objects.get(pk=book.pk).title)  # the row itself is the user's


@pytest.fixture
def auditor(administrator: User, client_for: Callable[[User], Client]) -> Client:
    return client_for(administrator)


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    """What production and a local site write of everything that is logged."""
    written = io.StringIO()
    for renderer in (structlog.processors.JSONRenderer(), structlog.dev.ConsoleRenderer(colors=False)):
        formatter = logging_with(renderer)["formatters"]["structured"]
        handler = logging.StreamHandler(written)
        handler.setFormatter(formatter.pop("()")(**formatter))
        logging.getLogger().addHandler(handler)
    yield written.getvalue
    for handler in logging.getLogger().handlers[-2:]:
        logging.getLogger().removeHandler(handler)


def test_no_header_and_no_path_brings_them_into_the_log(
    client: Client, auditor: Client, owner: User, lines: Callable[[], str]
) -> None:
    headers: Any = {"user-agent": EVIL, "x-request-id": EVIL, "traceparent": EVIL, "referer": EVIL}
    logging.getLogger("site").setLevel(logging.INFO)
    response = client.get("/%1b[2J%c2%9b31m%7f%e2%80%ae", headers=headers)
    assert (response.status_code, raw(str(response.headers))) == (404, [])
    client.post(reverse("account_login"), {"login": owner.email, "password": f"wrong{EVIL}"}, headers=headers)
    assert r"\x1b[2J" in lines()
    assert not raw(lines())
    failed = Event.objects.exclude(user_agent="").latest("id")
    assert (failed.outcome, failed.user_agent) == ("failure", ESCAPED)
    for name in ("audit:target", "audit:actor"):
        assert auditor.get(reverse(name, args=["testapp.thing", f"1{EVIL}"])).status_code == 404


def test_a_row_of_another_program_shows_none_on_pages_nor_in_exports(auditor: Client) -> None:
    event = api.record("testapp.thing.changed", target=Thing(pk=1, title="a thing"), to="x")
    for column in TEXTS:
        text = json.dumps({CODE: [CODE, CODE]}, ensure_ascii=False) if column in ("changes", "details") else CODE
        attack(f"UPDATE audit_event SET {column} = %s WHERE target_id IN (%s, %s)", (text, "1", CODE))
    found = Event.objects.get(pk=event.pk)
    assert (found.occurred_at, found.is_intact) == (SHOWN, False)
    for url in (reverse("audit:event_list"), reverse("audit:event_detail", args=[event.pk])):
        page = auditor.get(url)
        assert SHOWN in page.text
        assert not raw(page.text)
    sheet = b"".join(auditor.get(reverse("audit:export")).streaming_content).decode()
    assert [row["reason"] for row in csv.DictReader(io.StringIO(sheet)) if row["id"] == str(event.pk)] == [SHOWN]
    assert not raw(sheet)


@pytest.mark.parametrize("form", exports.FORMATS)
def test_the_command_exports_none_to_a_terminal(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    api.record("testapp.thing.changed", target=Thing(pk=1, title="a thing"), to="x")
    attack("UPDATE audit_event SET target_label = %s, user_agent = %s, reason = %s", (EVIL, EVIL, EVIL))
    call_command("audit", "export", "--format", form)
    captured = capsys.readouterr()
    assert captured.out
    assert not raw(captured.out + captured.err)


def test_status_tells_of_a_witness_without_them(lines: Callable[[], str], capsys: pytest.CaptureFixture[str]) -> None:
    happen(1)
    seal()
    with override_settings(AUDIT_WITNESSES=[f"nowhere.{EVIL}", f"file:///nowhere/{EVIL}"]):
        witnesses.tell()
        attack("UPDATE audit_progress SET error = error || %s", (EVIL,))
        assert Progress.objects.filter(error__contains=EVIL).count() == 2
        for arguments in ([], ["--json"]):
            with pytest.raises(CommandError) as raised:
                call_command("audit", "status", *arguments)
            assert not raw(str(raised.value))
        assert not raw("".join(seals.status().problems))
    captured = capsys.readouterr()
    assert "nowhere" in captured.out
    assert not raw(captured.out + captured.err + lines())


def test_an_archive_whose_names_are_codes_says_so_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = dict.fromkeys((*Event.COLUMNS, "digest"), EVIL)
    path = tmp_path / "audit.jsonl.gz"
    with gzip.open(path, "wt") as file:
        for line in ({"size": 0, "frontier": "", "checkpoint": None}, {"position": 0, "event": columns}):
            file.write(json.dumps(line) + "\n")
    for arguments in ([], ["--json"]):
        with pytest.raises(CommandError, match="2 problems"):
            call_command("audit", "verify", "--export", path, *arguments)
    captured = capsys.readouterr()
    assert "event changed" in captured.out
    assert not raw(captured.out + captured.err)


def test_verify_names_a_row_whose_key_is_made_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    happen(2)
    seal()
    if connection.vendor == "sqlite":  # PostgreSQL takes only a UUID for a key
        attack("UPDATE audit_leaf SET event_id = %s WHERE position = 1", (EVIL,))
    attack("UPDATE audit_checkpoint SET note = %s", (EVIL,))
    for command in ("verify", "status"):
        with pytest.raises(CommandError) as raised:
            call_command("audit", command)
        assert not raw(str(raised.value))
    captured = capsys.readouterr()
    assert "note refused: checkpoint" in captured.out
    assert not raw(captured.out + captured.err.replace("\r3 of 3", ""))  # the progress, on one line
