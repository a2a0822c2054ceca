"""Someone who takes the database's own files, its log of writes or a dump finds no byte of what was sealed.

Each search is proved by a plain column of the same row, which it does find.
"""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dj_database_url
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from tests.attacks.test_encryption_database_reader import MARKER, NUMBER, assert_sealed
from tests.services import postgres_binaries
from tests.services.temporary_postgres import temporary_postgres
from tests.testapp.models import Clinic, Everything, Member, Patient

pytestmark = pytest.mark.asvs("14.2.4")

ALIAS = "taken"
CONTROL = "This column is plain"


@pytest.fixture
def taken(django_db_blocker: Any) -> Iterator[Any]:
    """Opens another database by its settings, with the tables of a few models in it."""

    def open_(database: dict[str, Any]) -> Any:
        connections.settings |= connections.configure_settings(
            {"default": settings.DATABASES["default"], ALIAS: database}
        )
        return connections[ALIAS]

    with django_db_blocker.unblock():
        yield open_
        connections[ALIAS].close()
    del connections[ALIAS], connections.settings[ALIAS]


def write() -> None:
    """Make, change, search and delete rows: each leaves its bytes somewhere."""
    with connections[ALIAS].schema_editor() as editor:
        for model in (Clinic, Patient, Everything, Member):
            editor.create_model(model)
    patients = Patient.objects.using(ALIAS)
    found = patients.create(title=CONTROL, name=MARKER, notes=MARKER * 50, national_id=f"{MARKER}{NUMBER}")
    found.notes, found.history = f"{MARKER} changed", [{MARKER: MARKER}]
    found.save()
    found.name = f"{MARKER} again"
    patients.bulk_update([found], ["name"])
    assert patients.get(national_id=f"{MARKER}{NUMBER}").pk == found.pk
    Everything.objects.using(ALIAS).create(char=MARKER, big=NUMBER, json={MARKER: MARKER}, binary=MARKER.encode())
    Member.objects.using(ALIAS).create(email=f"{MARKER}@example.org", city=MARKER).delete()


def assert_nothing_is_in(held: bytes) -> None:
    assert CONTROL.encode() in held
    assert_sealed(held)


def dumped(form: str) -> bytes:
    out = io.StringIO()
    call_command("dumpdata", "testapp.patient", "testapp.everything", database=ALIAS, format=form, stdout=out)
    return out.getvalue().encode()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it makes a SQLite file")
def test_a_sqlite_file_its_write_ahead_log_and_a_dump_hold_no_byte_of_the_values(taken: Any, tmp_path: Path) -> None:
    path = tmp_path / "site.sqlite3"
    database = taken({"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)})
    with database.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = wal")
    write()
    assert_nothing_is_in((tmp_path / "site.sqlite3-wal").read_bytes())
    for form in ("json", "jsonl"):
        assert_nothing_is_in(dumped(form))
    database.close()  # which moves all that is in the log to the file
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert_nothing_is_in(path.read_bytes())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="it starts a PostgreSQL of its own")
def test_postgresql_files_its_write_ahead_log_and_its_dumps_hold_no_byte_of_the_values(taken: Any) -> None:
    with temporary_postgres() as url:
        database = taken(dj_database_url.parse(url))
        write()
        with database.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath('testapp_patient'))")
            tables = b"".join(bytes(row[0]) for row in cursor.fetchall())
            cursor.execute(
                "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class WHERE relname LIKE 'testapp%'"
            )
            tables += b"".join(bytes(row[0]) for row in cursor.fetchall())
            cursor.execute("SELECT pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()")
            log = b"".join(bytes(row[0]) for row in cursor.fetchall())
        assert_nothing_is_in(tables)
        assert_nothing_is_in(log)
        assert_nothing_is_in(dumped("json"))
        program = postgres_binaries.find().folder / "pg_dump"
        if program.exists():  # not every installation has it
            dump = subprocess.run([program, "--dbname", url, "--table", "testapp*"], check=True, capture_output=True)
            assert_nothing_is_in(dump.stdout)
        database.close()
