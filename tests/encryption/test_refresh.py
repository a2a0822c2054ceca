"""refresh_from_db() hands cells over as they are: it opens nothing, and the next save writes nothing anew."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.db.models.signals import post_init

from apps.encryption.errors import OpenFailed
from apps.encryption.fields import Encrypted
from tests.encryption.test_fields import opened, raw
from tests.testapp.models import Clinic, Patient, Tenanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def stale() -> Patient:
    made = Patient.objects.create(name="Ada", notes="old", weight=60)
    found = Patient.objects.get(pk=made.pk)
    assert (found.name, found.notes) == ("Ada", "old")
    made.notes, made.weight = "new", None
    made.save()
    return found


def test_a_refresh_opens_nothing_and_the_next_save_writes_the_same_cells(stale: Patient) -> None:
    with mock.patch.object(Encrypted, "open", side_effect=AssertionError):
        stale.refresh_from_db()
    assert not opened(stale, "name")
    before = [raw(stale, name) for name in ("name", "notes")]
    with mock.patch.object(Encrypted, "seal", side_effect=AssertionError):
        stale.save()
    assert [raw(stale, name) for name in ("name", "notes")] == before
    assert (stale.notes, stale.weight) == ("new", None)


def test_a_refresh_drops_what_was_assigned_and_may_be_for_some_fields_only(stale: Patient) -> None:
    stale.name, stale.notes = "assigned", "assigned"
    stale.refresh_from_db(fields=["notes"])
    assert (stale.name, stale.notes) == ("assigned", "new")
    stale.refresh_from_db(using="default", from_queryset=Patient.objects.select_related("clinic"))
    assert stale.name == "Ada"


def test_deferred_fields_stay_deferred_and_a_related_row_is_fetched_anew(stale: Patient) -> None:
    clinic = Clinic.objects.create(motto="salus")
    Patient.objects.update(clinic=clinic)
    found = Patient.objects.only("clinic").get(pk=stale.pk)
    found.refresh_from_db()
    assert "notes" in found.get_deferred_fields()
    assert found.clinic is not None
    assert (found.clinic.motto, found.notes) == ("salus", "new")


def test_a_refresh_without_waiting_works_too(stale: Patient) -> None:
    async_to_sync(stale.arefresh_from_db)()
    assert stale.notes == "new"


def test_a_field_bound_to_other_columns_follows_a_refresh() -> None:
    made = Tenanted.objects.create(clinic=Clinic.objects.create(), code="a", secret="s")
    found = Tenanted.objects.get(pk=made.pk)
    made.code = "b"
    made.save()
    found.refresh_from_db()
    found.save()
    assert Tenanted.objects.get(pk=made.pk).secret == "s"


def test_a_tampered_cell_is_refused_when_it_is_read_after_a_refresh(stale: Patient) -> None:
    other = Patient.objects.create(name="Ben", notes="of Ben")
    cell = Patient.objects.values_list("notes", flat=True).get(pk=other.pk)
    Patient.objects.filter(pk=stale.pk).update(title="x")
    with mock.patch.object(Encrypted, "from_db_value", return_value=type(cell)(cell.cell)):
        stale.refresh_from_db()
    with pytest.raises(OpenFailed):
        _ = stale.notes


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """What a receiver of post_init reads."""
    values: list[Any] = []

    def read(instance: Patient, **_: Any) -> None:
        values.append(instance.__dict__ and instance.notes)

    post_init.connect(read, sender=Patient)
    yield values
    post_init.disconnect(read, sender=Patient)


def test_who_reads_the_new_row_meanwhile_gets_values(stale: Patient, heard: list[Any]) -> None:
    stale.refresh_from_db()
    assert heard == ["new"]
    assert stale.notes == "new"
