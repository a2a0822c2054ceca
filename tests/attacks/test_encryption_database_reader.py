"""Someone who reads the database, a backup, the cache or the logs finds no byte of what was sealed."""

import logging
import pickle  # noqa: TID251 - what a cache does with an instance is what is tested
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter, get_default_exception_reporter_filter
from pytest_django import Settings

from tests.testapp.models import Everything, Patient

pytestmark = pytest.mark.django_db

DJANGOS_OWN = "django.views.debug.SafeExceptionReporterFilter"
MARKER = "Mk7Qz-Zoë"
NUMBER = 7_203_145_599


@pytest.fixture
def patient() -> Patient:
    history = [{"seen": MARKER}]
    return Patient.objects.create(name=MARKER, notes=MARKER * 50, national_id=f"{MARKER}{NUMBER}", history=history)


def forms_of_the_markers() -> list[bytes]:
    """As text, number and tag input; in the ways in which a dump or a driver could write them."""
    plain = [MARKER.encode(), MARKER.encode("utf-16-le"), str(NUMBER).encode(), NUMBER.to_bytes(5)]
    return [form for text in plain for form in (text, text.hex().encode(), text.hex().upper().encode())] + [
        MARKER[:5].encode()
    ]


def assert_sealed(what: bytes) -> None:
    assert [form for form in forms_of_the_markers() if form in what] == []


def rows() -> bytes:
    found = b""
    with connection.cursor() as cursor:
        for table in ("testapp_patient", "testapp_everything"):
            cursor.execute(f"SELECT * FROM {table}")
            for row in cursor.fetchall():
                found += b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
    return found


@pytest.mark.asvs("14.2.4")
def test_the_tables_hold_no_byte_of_the_values(patient: Patient) -> None:
    Everything.objects.create(char=MARKER, big=NUMBER, json={MARKER: MARKER}, binary=MARKER.encode())
    Patient.objects.bulk_update([patient], ["notes", "name"])
    held = rows()
    assert len(held) > 1000
    assert_sealed(held)


@pytest.mark.asvs("14.2.4", "16.2.5")
def test_the_statements_and_the_logs_hold_no_byte_of_the_values(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), CaptureQueriesContext(connection) as queries:
        patient = Patient.objects.create(name=MARKER, notes=MARKER, national_id=f"{MARKER}{NUMBER}")
        patient.notes = MARKER * 2
        patient.save()
        Patient.objects.bulk_update([patient], ["notes"])
        list(Patient.objects.filter(national_id=f"{MARKER}{NUMBER}"))
    assert len(queries) >= 4
    assert_sealed("".join(query["sql"] for query in queries.captured_queries).encode())
    assert_sealed(caplog.text.encode())


@pytest.mark.asvs("14.2.2")
def test_a_cached_instance_holds_no_byte_of_the_values(patient: Patient) -> None:
    found = Patient.objects.get(pk=patient.pk)
    assert found.name == MARKER
    found.notes = f"{MARKER} changed"
    assert_sealed(pickle.dumps([found, patient]))
    assert_sealed(pickle.dumps(list(Patient.objects.values("name", "national_id"))))
    cache.set("patient", found)
    assert cache.get("patient").notes == f"{MARKER} changed"


@pytest.fixture
def report_with(settings: Settings) -> Iterator[Callable[[str], None]]:
    """Django keeps the filter that it has once made: the tests that follow want their own again."""

    def choose(reports: str) -> None:
        settings.DEFAULT_EXCEPTION_REPORTER_FILTER = reports
        get_default_exception_reporter_filter.cache_clear()

    yield choose
    get_default_exception_reporter_filter.cache_clear()


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize("assigned", [MARKER, f"{MARKER}\ud800"], ids=["of the wrong kind", "that has no UTF-8 form"])
@pytest.mark.parametrize("reports", ["config.security.debug_pages.KindsOnlyFilter", DJANGOS_OWN])
def test_a_debug_page_shows_no_byte_of_a_value_that_could_not_be_sealed(
    assigned: str, reports: str, report_with: Callable[[str], None]
) -> None:
    report_with(reports)
    thing = Everything()
    setattr(thing, "integer" if assigned == MARKER else "char", assigned)
    try:
        thing.save()
    except ValueError:
        page = ExceptionReporter(None, *sys.exc_info()).get_traceback_data()  # the text page would show no locals
    shown = [frame["vars"] for frame in page["frames"] if frame["filename"] != __file__]
    assert any(name == "model_instance" for frame in shown for name, _ in frame)
    assert "can't hold this value" in str(page["exception_value"])
    assert_sealed(repr((shown, page["exception_value"])).encode())


def test_equal_values_show_in_no_column_but_a_searchable_one() -> None:
    for _ in range(2):
        Patient.objects.create(name=MARKER, national_id="1234")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, national_id FROM testapp_patient")
        held: list[Any] = [[bytes(cell) for cell in row] for row in cursor.fetchall()]
    (name, number), (other_name, other_number) = held
    assert name[6:] != other_name[6:]
    assert number[6:22] == other_number[6:22]
    assert number[22:] != other_number[22:]


def test_values_of_about_the_same_length_have_cells_of_the_same_length() -> None:
    made = [Patient.objects.create(name=name) for name in ("Al", "Bob", "Christopher")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT length(name) FROM testapp_patient")
        assert cursor.fetchall() == [(62,)]
    assert len(made) == 3
