"""Whoever runs code in the application, or has the admin, and not the database's owner: refused before the database."""

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError

from apps.audit.errors import AppendOnlyError
from apps.audit.ledger import Archive, Checkpoint, Leaf
from apps.audit.models import Event
from apps.audit.verification import verify
from tests.audit.sealed import happen, run, seal

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]


@pytest.fixture
def log() -> list[Event]:
    events = happen(3)
    seal()
    return events


def test_a_loaded_event_is_not_saved_again(log: list[Event]) -> None:
    event = Event.objects.get(pk=log[1].pk)
    event.ip = "6.6.6.6"
    event.digest = event.computed_digest()
    with pytest.raises(AppendOnlyError):
        event.save()
    assert verify().findings == []


@pytest.mark.parametrize("model", [Event, Leaf, Checkpoint])
def test_no_row_of_log_and_seals_is_updated_or_deleted(model: type[Event], log: list[Event]) -> None:
    rows = model.objects.all()
    for refused in (rows.delete, lambda: rows.update(pk=rows[0].pk), rows[0].delete, rows[0].save):
        with pytest.raises(AppendOnlyError):
            refused()
    assert verify().findings == []


@pytest.mark.parametrize("table", ["audit_event", "audit_leaf", "audit_checkpoint", "audit_archive"])
def test_nor_by_sql(table: str, log: list[Event]) -> None:
    if table == "audit_archive":
        Archive(begin=0, end=1, note="x").save()
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column_of(table)} = {column_of(table)}"):
        with pytest.raises(DatabaseError, match="append-only"):
            run(statement)


def column_of(table: str) -> str:
    return {"audit_event": "ip", "audit_leaf": "digest"}.get(table, "note")


@pytest.mark.parametrize("model", [Event, Leaf, Checkpoint, Archive])
def test_there_is_no_permission_with_which_an_admin_could_change_it(model: type[Event]) -> None:
    names = {f"{verb}_{model._meta.model_name}" for verb in ("add", "change", "delete")}
    assert not Permission.objects.filter(content_type__app_label="audit", codename__in=names).exists()


def test_a_seal_that_the_application_makes_up_is_found(log: list[Event]) -> None:
    """It may insert; it is not the sealer, and what it inserts is not signed."""
    last = Checkpoint.objects.latest("size")
    Checkpoint(size=last.size + 1, note=last.note, frontier=bytes(last.frontier)).save()
    assert "note refused" in {finding.kind for finding in verify().findings}
