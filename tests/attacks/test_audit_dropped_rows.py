"""The owner of the database has it drop events in silence: what they tell of is not done, alone or in bulk."""

import pytest
from django.db import connection, transaction

from apps.audit import api, writing
from apps.audit.errors import NotRecorded
from apps.audit.models import Event
from tests.testapp.models import Book

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.5.3")]

ON_POSTGRESQL = """
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION swallow();
"""
ON_SQLITE = "CREATE TRIGGER swallow BEFORE INSERT ON audit_event BEGIN SELECT RAISE(IGNORE); END"


@pytest.fixture
def swallowing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ON_POSTGRESQL if connection.vendor == "postgresql" else ON_SQLITE)


def test_an_event_that_is_not_kept_is_an_error(swallowing: None) -> None:
    with pytest.raises(NotRecorded, match="the database took 1 events, kept 0"), transaction.atomic():
        api.record("testapp.thing.changed")
    assert not Event.objects.filter(action="testapp.thing.changed").exists()


def test_a_change_is_rolled_back_when_its_events_are_not_kept(swallowing: None) -> None:
    with pytest.raises(NotRecorded), transaction.atomic():
        Book.objects.create(title="One")
    with pytest.raises(NotRecorded, match="took 2 events, kept 0"), transaction.atomic():
        Book.objects.bulk_create([Book(title="One"), Book(title="Two")])
    assert not Book.objects.exists()


def test_a_refusal_that_is_not_kept_is_an_error_too(swallowing: None) -> None:
    with pytest.raises(NotRecorded), writing.surviving():
        api.record_after_rollback("testapp.thing.changed", outcome="denied")
