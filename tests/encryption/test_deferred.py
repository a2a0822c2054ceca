"""Encrypted values, and the columns that they are bound to, on instances that were loaded in part."""

from typing import Any

import pytest

from tests.encryption.test_fields import raw
from tests.testapp.models import Clinic, Patient, Tenanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.create(name="Ada", weight=60)


@pytest.mark.parametrize(
    "write",
    [
        lambda found: found.save(update_fields=["weight"]),
        lambda found: Patient.objects.bulk_update([found], ["weight"]),
        lambda found: Patient.objects.defer("weight").update_or_create(pk=found.pk, defaults={"title": "new"}),
    ],
    ids=["save", "bulk_update", "update_or_create"],
)
def test_a_deferred_value_that_is_named_for_writing_is_not_lost(patient: Patient, write: Any) -> None:
    before = raw(patient, "weight")
    write(Patient.objects.defer("weight").get(pk=patient.pk))
    assert before is not None
    assert raw(patient, "weight") == before


@pytest.mark.parametrize("change", [{}, {"code": "b"}], ids=["as it was", "moved"])
def test_a_value_loaded_without_the_columns_that_it_is_bound_to_can_be_read_and_saved(change: dict[str, str]) -> None:
    made = Tenanted.objects.create(clinic=Clinic.objects.create(), code="a", secret="s")
    found = Tenanted.objects.only("secret").get(pk=made.pk)
    assert found.secret == "s"
    found.code = change.get("code", "a")
    found.save()
    assert Tenanted.objects.get(pk=made.pk).secret == "s"


def test_a_value_is_sealed_for_bound_columns_that_were_not_loaded() -> None:
    made = Tenanted.objects.create(clinic=Clinic.objects.create(), code="a", secret="s")
    found = Tenanted.objects.defer("clinic", "code").get(pk=made.pk)
    found.secret = "new"
    found.save()
    assert Tenanted.objects.get(pk=made.pk).secret == "new"
