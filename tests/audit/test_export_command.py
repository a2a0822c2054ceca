"""`manage.py audit export`: whole lines, taken up where it stopped, and itself an event."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.audit import exports
from apps.audit.commands import export
from apps.audit.models import Event
from tests.audit.test_pages import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return [at(monkeypatch, start + timedelta(days=number), to=number) for number in range(5)]


def ids(out: Path) -> list[str]:
    return [json.loads(line)["id"] for line in out.read_text().splitlines()]


def test_the_command_writes_what_is_asked_for_oldest_first_and_goes_on_after_an_id(
    days: list[Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "events.jsonl"
    asked = {"format": "jsonl", "action": "testapp.thing.changed", "out": out}
    call_command("audit", "export", until=datetime(2026, 3, 4, tzinfo=UTC), **asked)
    assert ids(out) == [str(event.id) for event in days[:3]]
    assert f"--after {days[2].id}" in capsys.readouterr().err
    call_command("audit", "export", after=days[2].id, **asked)
    assert ids(out) == [str(event.id) for event in days]


def test_the_command_writes_to_standard_output_and_is_itself_an_event(
    days: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit", "export", "--format", "csv", "--since", "2026-03-05", "--until", "2026-03-05T13:00")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [row["id"] for row in rows] == [str(days[4].id)]
    told = Event.objects.get(action="audit.log.exported")
    assert told.actor_type == "system"
    assert '"format":"csv"' in told.details


def test_a_full_disk_leaves_whole_lines_and_says_how_to_go_on(
    days: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "events.jsonl"
    monkeypatch.setattr(export, "BATCH", 2)
    asked = {"format": "jsonl", "action": "testapp.thing.changed", "out": out}
    room = len("".join(exports.line("jsonl", event) for event in days[:3]))
    monkeypatch.setattr(Path, "open", lambda path, *_args, **_options: Full(path, room))
    with pytest.raises(CommandError, match=f"Go on with --after {days[1].id}"):
        call_command("audit", "export", **asked)
    monkeypatch.undo()
    assert ids(out) == [str(event.id) for event in days[:2]]
    call_command("audit", "export", after=days[1].id, **asked)
    assert ids(out) == [str(event.id) for event in days]


class Full(io.FileIO):
    """A file on a disk with so much room: a write takes what fits, and no error is raised, as POSIX has it."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path, "ab")
        self.room = room

    def write(self, data: Any) -> int:
        return super().write(data[: max(0, self.room - self.tell())])


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-13-01T00:00"])
def test_a_malformed_time_is_refused_in_plain_words(day: str) -> None:
    with pytest.raises(CommandError, match="is no day or time"):
        call_command("audit", "export", "--format", "csv", "--since", day)
