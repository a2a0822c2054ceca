"""Who destroys a key by SQL to make events unreadable is named; who erases a person by the command leaves a receipt."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit import archiving, exports
from apps.audit.api import acting_as, record, record_after_rollback
from apps.audit.models import Event
from apps.audit.notes import origin, ring
from apps.audit.verification import Kind, verify
from apps.encryption import subjects
from apps.encryption.models import SubjectKey
from tests.audit.sealed import seal
from tests.audit.test_pages import auditor
from tests.project.tree import ROOT

__all__ = ["auditor"]
pytestmark = pytest.mark.django_db
EMAIL, ACTION = "stranger@example.org", "testapp.thing.changed"
PAGES = ("audit:event_list", "audit:my_activity")


@pytest.fixture
def who(stranger: User, owner: User) -> str:
    with acting_as(stranger):
        record(ACTION, target=owner, to="x")
        record("testapp.thing.viewed", target=stranger)
    with acting_as(owner), acting_as(stranger, reason=f"asked by {EMAIL}"):
        record(ACTION, target=stranger, changes={"email": [EMAIL, "new@example.org"]}, to=EMAIL)
    with acting_as(owner), acting_as(stranger):
        record("rbac.role.granted", target=owner, to=stranger, role="x")
    return f"accounts.user:{stranger.pk}"


def missing() -> list[str]:
    report = verify()
    assert {finding.kind for finding in report.findings} <= {Kind.KEY_MISSING}
    return [finding.what for finding in report.findings]


@pytest.mark.asvs("16.4.2")
def test_a_key_deleted_by_sql_is_named(who: str) -> None:
    assert missing() == []
    (key,) = SubjectKey.objects.filter(subject=who)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM encryption_subjectkey WHERE subject = %s", [who])
    found = missing()
    assert all(key.pk.hex in what for what in found)
    columns = ("actor_label", "on_behalf_of", "target_label", "reason", "changes", "details")
    assert [next(each for each in columns if f" {each} " in what) for what in found] == list(columns)


def test_another_keys_receipt_excuses_nothing(who: str, owner: User) -> None:
    subjects.shred(owner)
    assert missing() == []
    SubjectKey.objects.filter(subject=who).delete()
    assert missing()


@pytest.mark.parametrize("before", ["sealed", "not sealed"])
def test_erased_by_the_command_a_person_is_gone_from_every_page_and_export_and_the_log_verifies(
    before: str, who: str, stranger: User, auditor: Client, tmp_path: Path
) -> None:
    if before == "sealed":
        seal()
    events = list(Event.objects.order_by("id"))
    assert any(EMAIL in exports.line("csv", event) for event in events)
    keys = [key.hex for key in SubjectKey.objects.filter(subject=who).values_list("pk", flat=True)]
    stranger.delete()
    call_command("encryption", "shred", who, "--yes")
    seal()
    assert missing() == []
    assert [
        exports.line("jsonl", event)
        for event in Event.objects.filter(pk__in=[each.pk for each in events]).order_by("id")
    ] == [exports.line("jsonl", event) for event in events]
    for event in Event.objects.all():
        assert event.is_intact
        assert not any(EMAIL in exports.line(form, event) for form in exports.FORMATS)
        assert EMAIL not in auditor.get(reverse("audit:event_detail", args=[event.pk])).text
    urls = [*map(reverse, PAGES), f"/audit/by/user/{stranger.pk}/", f"/audit/on/accounts.user/{who.partition(':')[2]}/"]
    for url in urls:
        page = auditor.get(url)
        assert page.status_code == 200
        assert EMAIL not in page.text
    assert "(erased)" in auditor.get(reverse("audit:event_list")).text
    receipt = Event.objects.get(action="encryption.subject.shredded")
    assert who in receipt.details
    assert all(key in receipt.details for key in keys)
    assert EMAIL not in "".join(map(str, Event.objects.values_list(*Event.COLUMNS)))
    verify_archive(tmp_path)


def verify_archive(folder: Path) -> None:
    """By the program that knows neither Django nor any key."""
    size = Event.objects.count()
    seal()
    from apps.audit.models import Checkpoint

    end = Checkpoint.objects.order_by("-size")[0].size
    path, _ = archiving.write(archiving.Run(0, end), folder)
    assert EMAIL.encode() not in gzip.decompress(path.read_bytes())
    program = ROOT / "docs" / "reference" / "verify_export.py"
    verifiers = [key.verifier(origin()) for key in ring()]
    done = subprocess.run(
        [sys.executable, str(program), str(path), *verifiers], capture_output=True, text=True, check=False
    )
    assert (done.returncode, size > 0) == (0, True), done.stdout


def test_who_erases_himself_leaves_a_receipt_that_does_not_name_him(stranger: User, who: str) -> None:
    with acting_as(stranger):
        subjects.shred(stranger)
    receipt = Event.objects.get(action="encryption.subject.shredded")
    assert receipt.actor_label == "(erased)"
    assert receipt.actor_id == str(stranger.pk)
    assert missing() == []


def test_a_grant_to_somebody_erased_explains_no_visit_of_another(stranger: User, owner: User, who: str) -> None:
    from apps.audit.queries import grant_before

    with acting_as(owner):
        record("rbac.share.granted", target=owner, to=stranger, permissions=["x"])
    with acting_as(stranger):
        seen = record(ACTION, target=owner, to="x")
    grants = Event.objects.filter(action="rbac.share.granted")
    assert grant_before(Event.objects.get(pk=seen.pk), list(grants.all())) == grants[0]
    subjects.shred(stranger)
    assert grant_before(Event.objects.get(pk=seen.pk), list(grants.all())) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("undone", ["all", "savepoint"])
def test_what_survives_a_roll_back_is_sealed_with_a_key_that_is_there(undone: str, stranger: User) -> None:
    """The key is made inside of what is undone, and stored with the event, outside of it."""
    with acting_as(stranger), transaction.atomic():
        with transaction.atomic():
            record(ACTION, to="undone")
            told = record_after_rollback("testapp.thing.refused", target=stranger, reason="why")
            transaction.set_rollback(True)
        after = record(ACTION, to="kept")
        transaction.set_rollback(undone == "all")
    found: dict[Any, Event] = Event.objects.in_bulk([told.pk, after.pk])
    assert (found[told.pk].actor_label, found[told.pk].reason) == (EMAIL, "why")
    assert (after.pk in found) is (undone == "savepoint")
    assert all(event.actor_label == EMAIL for event in found.values())
    assert missing() == []


@pytest.mark.django_db(transaction=True)
def test_events_of_a_batch_are_sealed_with_one_new_key_each_person(owner: User, stranger: User) -> None:
    from tests.testapp.models import Letter

    with acting_as(owner):
        Letter.objects.bulk_create(Letter(owner=stranger, title=f"To {EMAIL}") for _ in range(5))
    assert SubjectKey.objects.filter(subject=f"accounts.user:{stranger.pk}").count() == 1
    assert {event.target_label for event in Event.objects.filter(action="testapp.letter.created")} == {f"To {EMAIL}"}
    assert missing() == []


@pytest.mark.django_db(transaction=True)
def test_a_key_that_was_spoiled_is_an_alarm_and_stops_nobody(stranger: User, who: str) -> None:
    subjects.forget()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE encryption_subjectkey SET key = %s WHERE subject = %s", [b"\x81\x04" + bytes(80), who])
    with acting_as(stranger):
        event = record(ACTION, to="x")
    assert Event.objects.get(pk=event.pk).actor_label == EMAIL
    alarm = Event.objects.filter(action="encryption.opening.failed").latest("id")
    assert (alarm.actor_id, alarm.actor_label) == (str(stranger.pk), EMAIL)
    assert "(can't be read)" in {each.actor_label for each in Event.objects.all()}
    assert missing() == []
