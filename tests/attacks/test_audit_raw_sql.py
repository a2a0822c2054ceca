"""An attacker with the application's database connection and SQL of his choice tries to rewrite the audit log."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from apps.audit.api import record
from apps.audit.models import Event
from apps.audit.triggers import lifted
from tests.testapp.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]

EVERYWHERE = [
    "UPDATE testapp_entry SET line = 99",
    "UPDATE testapp_entry SET line = line",
    "UPDATE testapp_entry SET line = 99 WHERE number = 1",
    "DELETE FROM testapp_entry",
    "DELETE FROM testapp_entry WHERE number = 1",
    "INSERT INTO testapp_entry (id, number, book, line) VALUES (1, 9, 'x', 9) ON CONFLICT (id) DO UPDATE SET line = 99",
    "INSERT INTO testapp_entry (number, book, line) VALUES (1, 'x', 9) ON CONFLICT (number) DO UPDATE SET line = 99",
    "WITH gone AS (SELECT 1) DELETE FROM testapp_entry",
]
SQLITE = [
    "REPLACE INTO testapp_entry (id, number, book, line) VALUES (1, 9, 'x', 9)",
    "REPLACE INTO testapp_entry (rowid, number, book, line) VALUES (1, 9, 'x', 9)",
    "REPLACE INTO testapp_entry (_rowid_, number, book, line) VALUES (1, 9, 'x', 9)",
    "REPLACE INTO testapp_entry (number, book, line) VALUES (1, 'x', 9)",
    "REPLACE INTO testapp_entry (number, book, line) VALUES ('1', 'x', 9)",
    "REPLACE INTO testapp_entry (number, book, page, line) VALUES (9, 'a', 7, 9)",
    "REPLACE INTO testapp_entry (number, book, line) VALUES (9, 'a', 1)",
    "INSERT OR REPLACE INTO testapp_entry SELECT id, number, book, page, 99 FROM testapp_entry",
    "UPDATE OR REPLACE testapp_entry SET number = 1",
    "UPDATE OR IGNORE testapp_entry SET line = 99",
]
POSTGRESQL = [
    "TRUNCATE testapp_entry",
    "TRUNCATE testapp_entry CASCADE",
    "TRUNCATE audit_event, testapp_entry",
    "WITH gone AS (DELETE FROM testapp_entry RETURNING *) SELECT * FROM gone",
    "MERGE INTO testapp_entry old USING (VALUES (1)) new (id) ON old.id = new.id WHEN MATCHED THEN DELETE",
    "UPDATE ONLY testapp_entry SET line = 99",
]


@pytest.fixture
def rows() -> list[tuple[int, str, int | None, int]]:
    Entry.objects.bulk_create(
        [Entry(id=1, number=1, book="a", page=7, line=1), Entry(id=2, number=2, book="a", line=2)]
    )
    return stored()


def stored() -> list[tuple[int, str, int | None, int]]:
    return list(Entry.objects.order_by("id").values_list("number", "book", "page", "line"))


def attack(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", EVERYWHERE)
def test_no_statement_changes_or_deletes_a_row(statement: str, rows: list[object]) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        attack(statement)
    assert stored() == rows


@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize("statement", SQLITE)
def test_no_way_of_sqlite_goes_round_the_triggers(statement: str, rows: list[object]) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        attack(statement)
    assert stored() == rows


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.parametrize("statement", POSTGRESQL)
def test_no_way_of_postgresql_goes_round_the_triggers(statement: str, rows: list[object]) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        attack(statement)
    assert stored() == rows


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_an_event_can_not_be_replaced_through_its_hidden_rowid() -> None:
    event = record("testapp.thing.changed", to="x")
    columns = ", ".join(f"'{uuid7().hex}'" if name == "id" else name for name in (*Event.COLUMNS, "digest"))
    with pytest.raises(IntegrityError, match="append-only"):
        attack(
            f"REPLACE INTO audit_event (rowid, {', '.join((*Event.COLUMNS, 'digest'))}) "
            f"SELECT rowid, {columns} FROM audit_event WHERE action = 'testapp.thing.changed'"
        )
    assert Event.objects.filter(pk=event.pk).exists()


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_row_planted_under_the_rowid_that_sqlite_calls_unknown_does_not_jam_the_log() -> None:
    record("testapp.thing.changed", to="x")
    columns = ", ".join(f"'{uuid7().hex}'" if name == "id" else name for name in (*Event.COLUMNS, "digest"))
    with pytest.raises(IntegrityError, match="append-only"):
        attack(
            f"INSERT INTO audit_event (rowid, {', '.join((*Event.COLUMNS, 'digest'))}) "
            f"SELECT -1, {columns} FROM audit_event WHERE action = 'testapp.thing.changed'"
        )
    record("testapp.thing.changed", to="y")


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_recursive_triggers_switched_off_do_not_help(rows: list[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = OFF")
    with pytest.raises(IntegrityError, match="append-only"):
        attack(SQLITE[0])


@pytest.mark.parametrize("column", [field.column for field in Event._meta.concrete_fields])
def test_no_column_of_an_event_can_be_rewritten(column: str) -> None:
    record("testapp.thing.changed", to="x")
    with pytest.raises(DatabaseError):
        attack(f"UPDATE audit_event SET {column} = {column}")
    assert all(event.is_intact for event in Event.objects.all())


def test_a_row_changed_by_who_may_drop_the_triggers_no_longer_fits_its_digest() -> None:
    event = record("testapp.thing.changed", to="x")
    for column in set(Event.COLUMNS) - {"id", "schema"}:
        with transaction.atomic():
            with lifted():
                attack(f"UPDATE audit_event SET {column} = 'forged' WHERE action = 'testapp.thing.changed'")
            assert not Event.objects.get(pk=event.pk).is_intact, column
            transaction.set_rollback(True)
