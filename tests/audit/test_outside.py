"""AUDIT_OUTSIDE: PostgreSQL tells of what comes past the application, row by row, and of nothing else."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from pytest_django import Settings

from apps.audit import outside
from apps.audit.checks import changes_from_outside_are_seen
from apps.audit.models import Event
from apps.audit.verification import verify
from apps.encryption.inventory import tables
from apps.encryption.rotation import rotate
from apps.encryption.sweeping import Sweep
from tests.audit.sealed import run, seal
from tests.testapp.models import Author, Book, Label, Memo, Printed

pytestmark = pytest.mark.django_db(transaction=True)
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="a trigger of PostgreSQL")


@pytest.fixture
def watched(transactional_db: None, settings: Settings) -> Iterator[None]:
    settings.AUDIT_OUTSIDE = True
    outside.install()
    yield
    settings.AUDIT_OUTSIDE = False
    outside.install()


def from_outside() -> list[tuple[str, str, Any]]:
    found = Event.objects.filter(action__startswith="audit.row.").order_by("id")
    told = [(event.action[10:], f"{event.target_type}:{event.target_id}", json.loads(event.changes)) for event in found]
    return in_order(told)


def in_order(told: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    """By verb and target: ids of one millisecond have no order."""
    return sorted(told, key=lambda each: each[:2])


@pytest.fixture
def book(watched: None) -> Book:
    return Book.objects.create(title="Emma", pages=474, isbn="978-0")


@only_postgresql
@pytest.mark.asvs("16.2.1", "16.3.3")
def test_an_update_by_sql_is_one_event_with_the_names_of_what_changed_and_no_value(book: Book) -> None:
    run("UPDATE testapp_book SET title = 'Persuasion', isbn = 'x', draft = 'untracked'")
    assert from_outside() == [("changed", f"testapp.book:{book.pk}", {"isbn": "changed", "title": "changed"})]
    event = Event.objects.get(action="audit.row.changed")
    assert event.is_intact
    assert (event.actor_label, event.outcome, event.severity) == ("system:postgresql", "success", "warning")
    assert json.loads(event.details) == {"operation": "update", "user": connection.settings_dict["USER"]}
    assert event.sentence == f"testapp.book:{book.pk} was changed by SQL, as {connection.settings_dict['USER']}"


@only_postgresql
def test_the_sealer_streams_what_the_database_has_written(
    book: Book, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    call_command("audit", "seal", stdout=io.StringIO())
    run("UPDATE testapp_book SET title = 'Persuasion'")
    settings.AUDIT_STREAM = "jsonl"
    with caplog.at_level(logging.INFO, "audit.events"):
        for _ in range(2):
            call_command("audit", "seal", stdout=io.StringIO())
    lines = [record.getMessage() for record in caplog.records if record.name == "audit.events"]
    assert [json.loads(line)["action"] for line in lines] == ["audit.row.changed"]


@only_postgresql
@pytest.mark.parametrize(
    "untracked",
    [
        "UPDATE testapp_book SET draft = 'x', changed_at = now()",
        "UPDATE testapp_book SET title = title",
        "UPDATE testapp_label SET name = 'x'",
    ],
)
def test_what_is_not_tracked_is_no_event(book: Book, untracked: str) -> None:
    Label.objects.create(name="old")
    run(untracked)
    assert from_outside() == []


@only_postgresql
def test_each_row_of_each_statement_is_one_event(book: Book) -> None:
    run("INSERT INTO testapp_author (name, password, born) VALUES ('Ann', '', 1775), ('Bob', 'hunter2', NULL)")
    ann, bob = Author.objects.order_by("pk")
    run("UPDATE testapp_author SET born = coalesce(born, 0) + 1")
    run("DELETE FROM testapp_author WHERE name = 'Ann'")
    told = {"id": "changed", "name": "changed", "password": "changed"}
    expected = [
        ("changed", f"testapp.author:{ann.pk}", {"born": "changed"}),
        ("changed", f"testapp.author:{bob.pk}", {"born": "changed"}),
        ("created", f"testapp.author:{ann.pk}", told | {"born": "changed"}),
        ("created", f"testapp.author:{bob.pk}", told),
        ("deleted", f"testapp.author:{ann.pk}", told | {"born": "changed"}),
    ]
    assert from_outside() == in_order(expected)
    assert "hunter2" not in str(list(Event.objects.values()))


@only_postgresql
def test_emptying_a_table_is_one_event(watched: None) -> None:
    Author.objects.bulk_create([Author(name="Ann"), Author(name="Bob")])
    run("TRUNCATE testapp_author CASCADE")
    assert ("deleted", "testapp.author:", {}) in from_outside()
    tables = [(verb, target) for verb, target, _ in from_outside()]
    assert len(tables) == len(set(tables))  # those that reference it are emptied with it
    event = Event.objects.get(action="audit.row.deleted", target_type="testapp.author")
    assert (event.target_label, event.is_intact) == ("all of testapp.author", True)


@only_postgresql
def test_a_relation_that_is_changed_by_sql_is_told_of_its_row(book: Book) -> None:
    label = Label.objects.create(name="classic")
    run("INSERT INTO testapp_book_labels (book_id, label_id) VALUES (%s, %s)", (book.pk, label.pk))
    assert from_outside() == [("changed", f"testapp.book:{book.pk}", {"labels": "changed"})]


@only_postgresql
def test_a_change_by_sql_beside_one_of_the_application_is_told_if_it_is_of_another_row_or_kind(book: Book) -> None:
    other = Book.objects.create(title="Persuasion")
    with transaction.atomic():
        book.pages = 1
        book.save()
        run("UPDATE testapp_book SET pages = 2")
    assert from_outside() == [("changed", f"testapp.book:{other.pk}", {"pages": "changed"})]
    with transaction.atomic():
        book.pages = 3
        book.save()
        run("DELETE FROM testapp_book WHERE id = %s", (book.pk,))
    assert [(verb, target) for verb, target, _ in from_outside()[1:]] == [("deleted", f"testapp.book:{book.pk}")]


@only_postgresql
def test_an_event_that_is_already_committed_does_not_cover_a_later_change(book: Book) -> None:
    book.pages = 1
    book.save()
    run("UPDATE testapp_book SET pages = 2")
    book.pages = 3
    book.save()
    assert len(from_outside()) == 1


@only_postgresql
def test_an_event_that_was_rolled_back_to_a_savepoint_covers_nothing(book: Book) -> None:
    with transaction.atomic():
        run("UPDATE testapp_book SET pages = 1")
        with transaction.atomic():
            Book.objects.filter(pk=book.pk).update(pages=2)
            transaction.set_rollback(True)
    assert from_outside() == [("changed", f"testapp.book:{book.pk}", {"pages": "changed"})]


@only_postgresql
def test_several_saves_in_savepoints_of_one_transaction_are_no_false_alarm(watched: None) -> None:
    with transaction.atomic():
        books = [Book.objects.create(title="one")]
        for number in range(3):
            with transaction.atomic():
                books.append(Book.objects.create(title=f"inner {number}"))
                with transaction.atomic():
                    books[0].pages = number + 1
                    books[0].save()
                books[-1].delete()
    with transaction.atomic():
        books[0].labels.add(Label.objects.create(name="classic"))
        with transaction.atomic():
            Printed.objects.create(title="on paper", run=100)
        Book.objects.all().update(pages=7)
        Book.objects.untracked(reason="nightly").update(pages=8)
        Book.objects.bulk_create([Book(title="a"), Book(title="b")])
        Book.objects.all().delete()
    assert from_outside() == []


@only_postgresql
def test_a_rotation_of_keys_is_no_event(watched: None) -> None:
    memo = Memo.objects.create(title="a memo", text="secret")
    (table,) = [each for each in tables() if each.model is Memo]
    rotate([table], sweep := Sweep(), anew=True)
    assert sweep.changed == 1
    assert from_outside() == []
    run("UPDATE testapp_memo SET title = 'another'")
    assert from_outside() == [("changed", f"testapp.memo:{memo.pk}", {"title": "changed"})]


@only_postgresql
def test_what_was_told_is_sealed_and_verifies(book: Book) -> None:
    run("UPDATE testapp_book SET title = %s", ("é\x1b\u202e",))
    run("INSERT INTO testapp_author (name, password) VALUES ('Ann', '')")
    seal()
    report = verify()
    assert report.findings == []
    assert report.events == Event.objects.count()


@only_postgresql
def test_nobody_hides_it_by_the_order_or_the_settings_of_a_session(book: Book) -> None:
    with transaction.atomic():
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET LOCAL search_path = pg_temp")
        run("UPDATE public.testapp_book SET pages = 1")
    assert len(from_outside()) == 1


@only_postgresql
def test_migrate_installs_it_once_and_takes_it_away_and_a_check_tells_what_is_amiss(settings: Settings) -> None:
    settings.AUDIT_OUTSIDE = True
    assert [each.id for each in changes_from_outside_are_seen(databases=["default"])] == ["audit.W006"]
    call_command("migrate", verbosity=0)
    assert changes_from_outside_are_seen(databases=["default"]) == []
    for harm in (
        "DROP TRIGGER audit_outside_delete ON testapp_book",
        "ALTER TABLE testapp_book DISABLE TRIGGER audit_outside_update",
        "CREATE OR REPLACE FUNCTION audit_tell_of_outside() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ):
        run(harm)
        assert [each.id for each in changes_from_outside_are_seen(databases=["default"])] == ["audit.W006"]
        outside.install()
        assert changes_from_outside_are_seen(databases=["default"]) == []
    settings.AUDIT_OUTSIDE = False
    assert len(changes_from_outside_are_seen(databases=["default"])) == 1
    call_command("migrate", verbosity=0)
    run("INSERT INTO testapp_author (name, password) VALUES ('Ann', '')")
    assert from_outside() == []
    assert changes_from_outside_are_seen(databases=["default"]) == []


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="what SQLite can't do")
def test_on_sqlite_the_check_says_that_it_needs_postgresql() -> None:
    assert changes_from_outside_are_seen(databases=["default"]) == []
    with override_settings(AUDIT_OUTSIDE=True):
        (problem,) = changes_from_outside_are_seen(databases=["default"])
    assert (problem.id, problem.msg) == ("audit.E006", "AUDIT_OUTSIDE needs PostgreSQL.")
