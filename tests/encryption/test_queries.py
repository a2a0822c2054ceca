"""In the database an encrypted field can be tested for NULL and equality. All else is refused, never silently wrong."""

from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Concat, Lower

from apps.encryption import rings
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.encryption.test_fields import raw
from tests.testapp.models import Clinic, Patient, Unbound

pytestmark = pytest.mark.django_db


@pytest.fixture
def patients() -> list[Patient]:
    return [
        Patient.objects.create(name="Ada", notes="a", national_id="12-34", weight=60),
        Patient.objects.create(name="Ben", notes="b", national_id="5678", weight=None),
        Patient.objects.create(name="Cyd", notes="c", national_id="", weight=80),
    ]


def names(**lookups: Any) -> set[str]:
    return {patient.name for patient in Patient.objects.filter(**lookups)}


def test_exact_search_finds_what_its_normalizer_calls_equal(patients: list[Patient]) -> None:
    assert names(national_id="12 34") == names(national_id="1234") == names(national_id__exact="١٢٣٤") == {"Ada"}
    assert names(national_id="") == {"Cyd"}
    assert names(national_id="999") == set()
    assert names(weight=60) == names(weight="60") == {"Ada"}


def test_search_by_a_list_by_null_negated_and_through_a_relation(patients: list[Patient]) -> None:
    assert names(national_id__in=["1234", "56-78", None]) == {"Ada", "Ben"}
    assert names(national_id__in=[]) == names(national_id__in=[None]) == set()
    assert names(weight__isnull=True) == names(weight=None) == {"Ben"}
    assert {found.name for found in Patient.objects.exclude(national_id="1234")} == {"Ben", "Cyd"}
    assert {found.name for found in Patient.objects.filter(Q(national_id="1234") | Q(weight=80))} == {"Ada", "Cyd"}
    clinic = Clinic.objects.create()
    Patient.objects.filter(pk=patients[0].pk).update(clinic=clinic)
    assert list(Clinic.objects.filter(patient__national_id="1234")) == [clinic]


def test_search_follows_every_way_of_writing(patients: list[Patient]) -> None:
    ada, ben, cyd = patients
    ada.national_id = "111"
    ada.save(update_fields=["national_id"])
    ben.national_id, cyd.national_id = "222", "333"
    Patient.objects.bulk_update([ben, cyd], ["national_id"])
    Patient.objects.bulk_create([Patient(name="Dan", national_id="444")])
    Patient.objects.update_or_create(pk=cyd.pk, defaults={"national_id": "555"})
    found = [names(national_id=value) for value in ("111", "222", "333", "444", "555", "1234", "5678")]
    assert found == [{"Ada"}, {"Ben"}, set(), {"Dan"}, {"Cyd"}, set(), set()]


def test_a_search_asks_for_the_tags_of_both_index_roots(use_rings: Any) -> None:
    old: dict[str, Any] = {"material": OLD, "number": 1}
    new: dict[str, Any] = {"material": NEW, "number": 2}
    use_rings(indexes=ring(k0000000a=entry(**old)))
    Patient.objects.create(name="Ada", national_id="1234")
    use_rings(indexes=ring(k0000000a=entry("decrypt-only", **old), k0000000b=entry(**new)))
    ben = Patient.objects.create(name="Ben", national_id="1234")
    assert names(national_id="1234") == {"Ada", "Ben"}
    assert bytes(raw(ben, "national_id"))[1] == 0x05
    use_rings(indexes=ring(k0000000b=entry(**new)))
    assert names(national_id="1234") == {"Ben"}


def test_a_new_primary_key_seals_and_the_old_one_still_opens(use_rings: Any) -> None:
    use_rings(fields=ring(k0000000a=entry(material=OLD)))
    ada = Patient.objects.create(name="Ada", notes="old")
    use_rings(fields=ring(k0000000a=entry("decrypt-only", material=OLD), k0000000b=entry(material=NEW)))
    found = Patient.objects.get(pk=ada.pk)
    found.notes = f"{found.notes} and new"
    found.save(update_fields=["notes"])
    assert bytes(raw(ada, "notes"))[2:6].hex() == "0000000b"
    assert bytes(raw(ada, "name"))[2:6].hex() == "0000000a"
    found.save()  # what is written anyway is written under the new key
    assert bytes(raw(ada, "name"))[2:6].hex() == "0000000b"
    assert Patient.objects.get(pk=ada.pk).notes == "old and new"


def test_a_search_reads_the_index_of_tags(patients: list[Patient]) -> None:
    query = Patient.objects.filter(national_id="1234").order_by()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is too small for an index to pay
        plan = query.explain()
    assert "testapp_patient_national_id" in plan
    assert "SCAN testapp_patient\n" not in f"{plan}\n"
    assert "Seq Scan" not in plan


REFUSED_LOOKUPS = {
    "name": ("", "__in", "__icontains", "__iexact"),
    "national_id": ("__startswith", "__iexact", "__lower__exact"),
    "weight": ("__gt", "__range", "__isnull__x"),
    "notes": ("__regex", "__lower"),
    "history": ("__a", "__contains"),
}


@pytest.mark.parametrize("lookup", [name + tail for name, tails in REFUSED_LOOKUPS.items() for tail in tails])
def test_a_lookup_that_ciphertext_can_not_answer_is_refused_with_the_way_out(lookup: str) -> None:
    with pytest.raises(FieldError, match="is encrypted"):
        Patient.objects.filter(**{lookup: "1"})


def test_a_comparison_with_another_column_or_a_subquery_is_refused() -> None:
    with pytest.raises(FieldError, match="by values only"):
        Patient.objects.filter(national_id=F("title"))
    with pytest.raises(FieldError, match="by values only"):
        Patient.objects.filter(national_id__in=Patient.objects.values("national_id"))


def test_a_search_by_a_sealed_value_is_refused_rather_than_finding_nothing(patients: list[Patient]) -> None:
    sealed = Patient.objects.values_list("national_id", flat=True)[0]
    for lookup in ({"national_id": sealed}, {"national_id__in": ["1", sealed]}):
        with pytest.raises(FieldError, match="Sealed value"):
            list(Patient.objects.filter(**lookup))


@pytest.mark.parametrize("name", ["notes", "-national_id", F("notes"), F("notes").desc(), "clinic__motto"])
def test_sorting_by_ciphertext_is_refused(name: Any) -> None:
    with pytest.raises(FieldError, match="can't sort by it"):
        list(Patient.objects.order_by("title", name))


def test_sorting_by_other_columns_works(patients: list[Patient]) -> None:
    assert Patient.objects.order_by("-title", F("id").asc(), "?").count() == 3
    assert Patient.objects.values("title").annotate(number=Count("id")).order_by("number").get()["number"] == 3


@pytest.mark.asvs("14.2.4")
@pytest.mark.parametrize(
    "value",
    ["marker", Value("marker"), Concat(Value("marker"), Value("x")), F("title"), F("name"), Lower("title")],
    ids=["text", "Value", "Concat", "F of plain", "F of encrypted", "Lower"],
)
def test_an_update_that_could_write_plaintext_or_a_foreign_cell_is_refused(patients: list[Patient], value: Any) -> None:
    before = [raw(patient, "notes") for patient in patients]
    with pytest.raises(FieldError, match="bulk_update"), transaction.atomic():
        Patient.objects.update(notes=value)
    patients[0].notes = value
    if not isinstance(value, str):
        with pytest.raises(FieldError, match="bulk_update"), transaction.atomic():
            patients[0].save()
    assert [raw(patient, "notes") for patient in patients] == before


def test_an_update_with_the_cell_of_another_row_is_refused(patients: list[Patient]) -> None:
    sealed = Patient.objects.values_list("notes", flat=True).get(pk=patients[0].pk)
    with pytest.raises(FieldError, match="bulk_update"), transaction.atomic():
        Patient.objects.filter(pk=patients[1].pk).update(notes=sealed)


def test_an_update_to_null_works(patients: list[Patient]) -> None:
    Patient.objects.update(weight=None)
    Unbound.objects.create(secret="s")
    Unbound.objects.update(secret=Value(None))
    assert Patient.objects.filter(weight__isnull=True).count() == 3
    assert Unbound.objects.get().secret is None


def test_bulk_update_seals_each_value_for_its_row_and_leaves_the_instances_usable(patients: list[Patient]) -> None:
    for patient in patients:
        patient.notes, patient.title = f"note of {patient.name}", patient.name
    patients[2].weight = None
    assert Patient.objects.bulk_update(patients, ["notes", "title", "weight"], batch_size=2) == 3
    for patient in patients:
        assert patient.notes == f"note of {patient.name}"
        found = Patient.objects.get(pk=patient.pk)
        assert (found.notes, found.title) == (f"note of {patient.name}", patient.name)
    assert names(weight__isnull=True) == {"Ben", "Cyd"}


def test_bulk_update_without_the_queryset_is_refused_and_loses_nothing(patients: list[Patient]) -> None:
    from django.db.models import QuerySet

    patients[0].notes = "new"
    with pytest.raises(FieldError, match="bulk_update\\(\\) of a SealedQuerySet"), transaction.atomic():
        QuerySet[Patient](Patient).bulk_update(patients, ["notes"])
    assert Patient.objects.get(pk=patients[0].pk).notes == "a"


def test_an_upsert_writes_cells_that_the_row_can_open(patients: list[Patient]) -> None:
    ada = Patient(pk=patients[0].pk, name="Ada", notes="upserted")
    Patient.objects.bulk_create([ada], update_conflicts=True, update_fields=["notes"], unique_fields=["id"])
    assert Patient.objects.get(pk=ada.pk).notes == "upserted"
    with pytest.raises(FieldError, match=r"unique_fields=\['pk'\]"):
        Patient.objects.bulk_create([ada], update_conflicts=True, update_fields=["notes"], unique_fields=["title"])


def test_values_and_iterators_give_sealed_values_or_lazy_instances(patients: list[Patient]) -> None:
    assert {repr(row["notes"]) for row in Patient.objects.values("notes")} == {"<Sealed>"}
    assert {patient.notes for patient in Patient.objects.iterator(chunk_size=2)} == {"a", "b", "c"}
    assert {patient.notes for patient in Patient.objects.defer("notes")} == {"a", "b", "c"}


def test_rings_are_read_once_and_again_when_the_settings_change(use_rings: Any) -> None:
    first = rings.data_ring()
    assert rings.data_ring() is first
    use_rings(fields=ring(k0000000a=entry()))
    assert [key.id for key in rings.data_ring()] == ["0000000a"]
