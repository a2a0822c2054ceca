"""Triggers are there after every migrate, are found missing by a check, and come back after they were lifted."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from apps.audit import triggers
from apps.audit.checks import tables_are_guarded
from apps.audit.models import Event
from tests.testapp.models import Entry

pytestmark = pytest.mark.django_db

TABLES = {"audit_event", "testapp_entry"}


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def drop_a_trigger(table: str) -> None:
    if connection.vendor == "postgresql":
        run(f"DROP TRIGGER append_only_rows ON {table}")
    else:
        run(f"DROP TRIGGER {table}_append_only_delete")


def test_migrate_has_guarded_every_append_only_table() -> None:
    assert {model._meta.db_table for model in triggers.append_only_models()} >= TABLES
    assert triggers.unguarded() == []


def test_installing_twice_does_nothing_the_second_time() -> None:
    drop_a_trigger("audit_event")
    assert triggers.install() == ["audit_event"]
    assert triggers.install() == []


@pytest.mark.asvs("16.4.2")
def test_a_check_names_the_table_whose_trigger_was_dropped() -> None:
    assert tables_are_guarded(databases=["default"]) == []
    drop_a_trigger("testapp_entry")
    (problem,) = tables_are_guarded(databases=["default"])
    assert problem.id == "audit.E003"
    assert "testapp_entry" in problem.msg
    assert "migrate" in str(problem.hint)


def test_the_check_asks_no_database_unless_it_is_told_to() -> None:
    assert tables_are_guarded(databases=None) == []


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_trigger_put_back_without_its_teeth_is_found_on_sqlite() -> None:
    drop_a_trigger("audit_event")
    run("CREATE TRIGGER audit_event_append_only_delete BEFORE DELETE ON audit_event BEGIN SELECT 1; END")
    assert triggers.unguarded() == ["audit_event"]


POSTGRESQL_WAYS = {
    "disabled": "ALTER TABLE audit_event DISABLE TRIGGER append_only_rows",
    "only for the origin, so silent under replica": "ALTER TABLE audit_event ENABLE TRIGGER append_only_truncate",
    "with an empty function": "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RETURN NULL; END $$",
    "with a condition": "CREATE OR REPLACE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON audit_event "
    "FOR EACH ROW WHEN (false) EXECUTE FUNCTION audit_refuse_change()",
    "for one column only": "CREATE OR REPLACE TRIGGER append_only_rows BEFORE UPDATE OF ip OR DELETE ON audit_event "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()",
}


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.parametrize("way", POSTGRESQL_WAYS)
def test_a_trigger_without_its_teeth_is_found_and_repaired_on_postgresql(way: str) -> None:
    run(POSTGRESQL_WAYS[way])
    assert "audit_event" in triggers.unguarded()
    triggers.install()
    assert triggers.unguarded() == []


@pytest.mark.django_db(transaction=True)
def test_a_remake_of_the_table_loses_the_triggers_on_sqlite_and_migrate_brings_them_back() -> None:
    old, new = Entry._meta.get_field("book"), models.CharField(max_length=30)
    new.set_attributes_from_name("book")
    with connection.schema_editor() as editor:
        editor.alter_field(Entry, old, new)
    try:
        if connection.vendor == "sqlite":
            assert triggers.unguarded() == ["testapp_entry"]
        call_command("migrate", verbosity=0)
        assert triggers.unguarded() == []
    finally:
        with connection.schema_editor() as editor:
            editor.alter_field(Entry, new, old)
        triggers.install()


def test_lifted_lets_rows_go_and_guards_the_table_again() -> None:
    Entry.objects.create(number=1, book="a", line=1)
    with triggers.lifted():
        run("DELETE FROM testapp_entry")
    assert Entry.objects.count() == 0
    assert triggers.unguarded() == []


@pytest.mark.django_db(transaction=True)
def test_an_error_while_lifted_brings_rows_and_triggers_back() -> None:
    Entry.objects.create(number=1, book="a", line=1)

    def fail_while_lifted() -> None:
        with triggers.lifted():
            run("DELETE FROM testapp_entry")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_lifted()
    assert Entry.objects.count() == 1
    assert triggers.unguarded() == []


def test_an_ordinary_table_has_no_trigger() -> None:
    assert "testapp_thing" not in {model._meta.db_table for model in triggers.append_only_models()}


def test_every_unique_key_is_compared() -> None:
    assert sorted(triggers.unique_columns(Entry)) == [["book", "line"], ["book", "page"], ["id"], ["number"]]
    assert triggers.unique_columns(Event) == [["id"]]


@pytest.mark.parametrize(
    "unique",
    [
        models.UniqueConstraint("book", models.F("line") + 1, name="by_expression"),
        models.UniqueConstraint(fields=["book"], condition=models.Q(page=1), name="by_condition"),
    ],
    ids=["expression", "condition"],
)
def test_a_unique_key_that_can_not_be_compared_is_refused(
    unique: models.UniqueConstraint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entry._meta, "constraints", [unique])
    with pytest.raises(ImproperlyConfigured, match=f"testapp.Entry: a REPLACE goes round {unique.name}"):
        triggers.unique_columns(Entry)


def test_a_new_row_that_collides_with_none_is_let_in() -> None:
    Entry.objects.create(number=1, book="a", line=1)
    Entry.objects.create(number=2, book="a", line=2)
    Entry.objects.create(number=3, book="b", line=1, page=None)
    assert Entry.objects.count() == 3


def collide_by_number() -> Entry:
    return Entry.objects.create(number=1, book="z", line=9)


def collide_by_book_and_line() -> Entry:
    return Entry.objects.create(number=9, book="a", line=1)


@pytest.mark.parametrize("collide", [collide_by_number, collide_by_book_and_line])
def test_a_colliding_row_is_refused(collide: Callable[[], Entry]) -> None:
    Entry.objects.create(number=1, book="a", line=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        collide()


def test_a_database_that_is_neither_is_refused_and_not_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "mysql")
    with pytest.raises(ImproperlyConfigured, match="SQLite and PostgreSQL"):
        triggers.sqlite_triggers(connection, Event)
