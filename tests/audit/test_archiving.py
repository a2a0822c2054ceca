"""Events past their retention leave the database as a verified file, and what stays goes on to verify."""

import io
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import override_settings

from apps.audit import archiving, notes
from apps.audit.models import Archive, Event, Leaf
from apps.audit.triggers import lifted, unguarded
from apps.audit.verification import verify
from tests.audit.sealed import attack, happen, run, seal, stored
from tests.audit.test_notes import PETERS_SEED

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]

OLD = timedelta(days=500)


def audit(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def log() -> list[Event]:
    """Two periods of old events, as if they had been sealed then, and one of new ones."""
    with lifted():
        run("DELETE FROM audit_event")
    old = happen(3, ago=OLD)
    seal()
    old += happen(4, ago=OLD)
    seal(late=True)
    happen(2)
    seal()
    return old


def archive(folder: Path, *more: str) -> str:
    return audit("archive", str(folder), "--no-input", *more)


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_old_periods_go_to_a_file_and_the_tree_still_verifies(log: list[Event], tmp_path: Path) -> None:
    said = archive(tmp_path)
    assert "Positions 0 to 6: 7 events" in said
    assert not Event.objects.filter(pk__in=[event.pk for event in log]).exists()
    assert Event.objects.filter(action="testapp.thing.changed").count() == 2
    assert Leaf.objects.filter(position__lt=7).count() == 7
    assert verify().findings == []
    assert unguarded() == []
    told = Event.objects.get(action="audit.log.archived")
    assert json.loads(told.details)["events"] == 7
    assert re.search("[0-9a-f]{64}", said)[0] in told.details  # type: ignore[index]
    assert the_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_it_is_not_done_twice(log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    assert "No sealed period" in archive(tmp_path)


def test_a_dry_run_changes_nothing(log: list[Event], tmp_path: Path) -> None:
    assert "Positions 0 to 6" in archive(tmp_path, "--dry-run")
    assert list(tmp_path.iterdir()) == []
    assert Event.objects.filter(pk=log[0].pk).exists()


@pytest.mark.parametrize("answer", ["", "yes"])
def test_nothing_goes_without_a_confirmation(
    answer: str, log: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: answer)
    with pytest.raises(CommandError, match="Nothing was moved"):
        audit("archive", str(tmp_path))
    assert Event.objects.filter(pk=log[0].pk).exists()


def test_a_period_with_an_event_on_legal_hold_stays(log: list[Event], tmp_path: Path) -> None:
    with override_settings(AUDIT_HOLDS=[{"id": log[4].pk}]):
        assert "Positions 0 to 2: 3 events" in archive(tmp_path)
    assert Event.objects.filter(pk=log[4].pk).exists()
    assert verify().findings == []
    assert "Positions 3 to 6: 4 events" in archive(tmp_path)


def test_a_period_with_an_event_that_must_be_kept_longer_stays(
    log: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "kept", lambda action: timedelta(days=501))
    assert "No sealed period" in archive(tmp_path)


def test_a_deletion_is_not_excused_by_an_archive_of_other_events(log: list[Event], tmp_path: Path) -> None:
    archive(tmp_path)
    young = Event.objects.filter(action="testapp.thing.changed")[0]
    attack("DELETE FROM audit_event WHERE id = %s", (stored(young.pk),))
    assert [(finding.kind, finding.where) for finding in verify().findings] == [("event missing", str(young.pk))]


def test_what_may_go_is_asked_in_few_queries_however_many_periods_there_are(
    log: list[Event], django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for ago in (OLD, timedelta(), OLD):
        for _ in range(5):
            happen(1, ago=ago)
            seal(late=True)
    with django_assert_max_num_queries(4):
        assert list(archiving.due(datetime.now(UTC))) == [(0, 7), (9, 14), (19, 24)]


def test_a_log_that_does_not_verify_is_not_archived(log: list[Event], tmp_path: Path) -> None:
    attack("UPDATE audit_event SET ip = 'x' WHERE id = %s", (stored(log[0].pk),))
    with pytest.raises(CommandError, match="1 problems, and an archive would bury them"):
        archive(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_who_only_verifies_archives_nothing(log: list[Event], tmp_path: Path) -> None:
    entry = {"state": "primary", "created": "2026-01-01T00:00:00Z", "public": notes.public_half(PETERS_SEED)}
    public = override_settings(AUDIT_SIGNING_KEYS=json.dumps({"0000000a": entry}))
    with public, pytest.raises(CommandError, match="holds only public halves here"):
        archive(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Event.objects.filter(pk=log[0].pk).exists()


def test_a_file_that_is_there_is_not_overwritten(log: list[Event], tmp_path: Path) -> None:
    (tmp_path / "audit-0-7.jsonl.gz").write_text("kept")
    with pytest.raises(CommandError, match="nothing deleted"):
        archive(tmp_path)
    assert (tmp_path / "audit-0-7.jsonl.gz").read_text() == "kept"
    assert Event.objects.filter(pk=log[0].pk).exists()


def test_a_deletion_that_fails_leaves_all_as_it_was(
    log: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError("must be owner of table audit_event")

    monkeypatch.setattr(archiving.bulk, "remove_events", fail)
    with pytest.raises(CommandError, match="Only the tables' owner"):
        archive(tmp_path)
    assert Event.objects.filter(pk=log[0].pk).exists()
    assert not Archive.objects.exists()
    assert unguarded() == []


def test_the_file_and_its_name_are_on_the_disk_before_any_event_goes(
    log: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def sync(descriptor: int) -> None:
        assert Event.objects.filter(pk=log[0].pk).exists()
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    archive(tmp_path)
    assert synced == [str(the_file(tmp_path)), str(tmp_path)]
