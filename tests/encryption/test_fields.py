"""An encrypted field behaves as the one it wraps, opens on reading only, and is not written again unless it changed."""

import copy
import datetime
import pickle  # noqa: TID251 - what Django's cache and queues do with an instance is what is tested
import uuid
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import FieldError
from django.db import connection, models, transaction

from apps.encryption.attributes import CLOSED, Sealed
from apps.encryption.errors import EncryptionError, OpenFailed
from apps.encryption.fields import Encrypted
from apps.encryption.serialization import dumped
from tests.testapp.models import Clinic, Everything, Patient, Tenanted, Unbound

pytestmark = pytest.mark.django_db

VALUES: dict[str, Any] = {
    "char": "Zoë 🧬",
    "text": "",
    "email": "ann@example.org",
    "url": "https://example.org/a?b",
    "slug": "a-b",
    "choice": "b",
    "integer": -5,
    "big": 2**62,
    "positive": 7,
    "decimal": Decimal("12.50"),
    "float": 0.1,
    "boolean": False,
    "date": datetime.date(2024, 2, 29),
    "datetime": datetime.datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=datetime.UTC),
    "time": datetime.time(23, 59, 59, 1),
    "duration": datetime.timedelta(days=-1, microseconds=1),
    "uuid": uuid.UUID(int=5),
    "json": {"b": [1, True, None, 1.5], "a": {"é": ""}},
    "binary": b"\x00\xff",
    "address": "2001:db8::1",
}


def raw(instance: models.Model, name: str) -> Any:
    """What the column holds."""
    field: Any = instance._meta.get_field(name)
    column, table = field.column, instance._meta.db_table
    key = instance._meta.pk.get_db_prep_value(instance.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{table}" WHERE id = %s', [key])
        return cursor.fetchone()[0]


def opened(instance: models.Model, name: str) -> bool:
    held = instance.__dict__[name]
    return not isinstance(held, Sealed) or held.plain is not CLOSED


@pytest.fixture
def patient() -> Patient:
    made = Patient.objects.create(name="Ada", notes="marker-notes", national_id="12-34", weight=60, history=[{"a": 1}])
    return Patient.objects.get(pk=made.pk)


@pytest.mark.parametrize("name", VALUES)
def test_every_kind_of_value_comes_back_equal_and_of_its_type(name: str) -> None:
    made = Everything.objects.create(**{name: VALUES[name]})
    found = getattr(Everything.objects.get(pk=made.pk), name)
    assert (type(found), found) == (type(VALUES[name]), VALUES[name])
    assert bytes(raw(made, name))[0] == 0x81


def test_there_is_a_value_for_every_kind_of_field() -> None:
    assert {field.name for field in Everything._meta.fields if isinstance(field, Encrypted)} == set(VALUES)


def test_values_are_converted_as_the_inner_field_does() -> None:
    made = Everything.objects.create(
        integer="42", decimal="3.1", date="2024-02-29", uuid=str(uuid.UUID(int=5)), boolean=1
    )
    found = Everything.objects.get(pk=made.pk)
    assert (found.integer, str(found.decimal), found.date) == (42, "3.10", datetime.date(2024, 2, 29))
    assert (found.uuid, found.boolean) == (uuid.UUID(int=5), True)


def test_null_stays_null_and_an_empty_text_is_sealed() -> None:
    made = Everything.objects.create(char=None, text="")
    assert raw(made, "char") is None
    assert len(bytes(raw(made, "text"))) == 62
    assert Everything.objects.get(pk=made.pk).char is None


def test_defaults_and_choices_are_those_of_the_inner_field() -> None:
    assert Patient().name == ""
    assert Patient().history == []
    assert Patient().history is not Patient().history
    assert Everything(choice="a").get_choice_display() == "Apple"
    assert Patient._meta.get_field("name").verbose_name == "full name"


def test_loading_opens_nothing_and_reading_opens_that_attribute_only(patient: Patient) -> None:
    assert not opened(patient, "name")
    assert patient.name == "Ada"
    assert opened(patient, "name")
    assert not opened(patient, "notes")


def test_saving_neither_opens_nor_rewrites_what_was_not_touched(patient: Patient) -> None:
    before = raw(patient, "notes")
    with (
        mock.patch.object(Encrypted, "open", side_effect=AssertionError),
        mock.patch.object(Encrypted, "seal", side_effect=AssertionError),
    ):
        patient.title = "changed"
        patient.save()
    assert raw(patient, "notes") == before


def test_a_value_that_was_only_read_or_posted_back_is_not_rewritten(patient: Patient) -> None:
    before = [raw(patient, name) for name in ("name", "weight", "history")]
    patient.name, patient.weight, patient.history = str(patient.name), int(patient.weight), patient.history
    patient.save()
    assert [raw(patient, name) for name in ("name", "weight", "history")] == before


def test_an_equal_value_of_another_type_is_not_taken_for_the_same() -> None:
    made = Everything.objects.create(json=[1])
    found = Everything.objects.get(pk=made.pk)
    assert found.json == [True]
    found.json = [True]
    found.save()
    assert Everything.objects.get(pk=made.pk).json[0] is True


def test_a_changed_value_is_sealed_anew_and_the_others_are_not(patient: Patient) -> None:
    before = raw(patient, "notes"), raw(patient, "name")
    patient.name = "Grace"
    patient.save()
    assert (raw(patient, "notes") == before[0], raw(patient, "name") == before[1]) == (True, False)
    assert Patient.objects.get(pk=patient.pk).name == "Grace"


def test_json_changed_in_place_is_saved(patient: Patient) -> None:
    patient.history[0]["a"] = 2
    patient.save()
    assert Patient.objects.get(pk=patient.pk).history == [{"a": 2}]


def test_bytes_changed_in_place_are_saved_and_a_number_is_not_taken_for_bytes() -> None:
    made = Everything.objects.create(binary=bytearray(b"abc"))
    made.binary[0] = 0
    made.save()
    assert Everything.objects.get(pk=made.pk).binary == b"\0bc"
    with pytest.raises(ValueError, match="can't hold this value"):
        Everything(binary=5).save()


def test_the_same_value_never_gives_the_same_cell(patient: Patient) -> None:
    other = Patient.objects.create(name="Ada")
    assert raw(patient, "name") != raw(other, "name")


@pytest.mark.asvs("14.2.2")
@pytest.mark.parametrize("state", ["assigned", "created", "loaded", "read"])
def test_a_pickled_instance_holds_no_plaintext(state: str) -> None:
    patient = Patient(name="marker-name", notes="marker-notes", history=["marker-json"])
    if state != "assigned":
        patient.save()
    if state in ("loaded", "read"):
        patient = Patient.objects.get(pk=patient.pk)
    if state == "read":
        assert (patient.name, patient.history) == ("marker-name", ["marker-json"])
    pickled = pickle.dumps(patient)
    assert b"marker" not in pickled
    again = pickle.loads(pickled)
    assert (again.name, again.notes, again.history) == ("marker-name", "marker-notes", ["marker-json"])


def test_a_value_that_was_not_saved_is_not_pickled_without_its_row() -> None:
    with pytest.raises(EncryptionError, match="with its instance only"):
        pickle.dumps(vars(Patient(name="marker-name"))["name"])


def test_a_shallow_copy_has_what_was_assigned_and_pickles_it_sealed() -> None:
    again = copy.copy(Patient(name="marker-name"))
    assert again.name == "marker-name"
    assert b"marker" not in pickle.dumps(again)
    again.save()
    assert Patient.objects.get(pk=again.pk).name == "marker-name"


def test_a_cell_without_its_row_is_not_written(patient: Patient) -> None:
    (cell,) = Patient.objects.values_list("name", flat=True)
    with pytest.raises(FieldError, match="UPDATE or an expression"):
        Patient.objects.update(name=cell)
    dumped(Patient._meta.get_field("name"), patient)  # looks at the cell, and writes nothing
    with pytest.raises(FieldError, match="UPDATE or an expression"):
        Patient.objects.update(name=vars(patient)["name"])


def test_an_instance_shows_no_plaintext_in_its_dict(patient: Patient) -> None:
    patient.notes = f"{patient.notes} marker-new"
    assert patient.name == "Ada"
    assert "marker" not in repr(vars(patient))
    assert "Ada" not in repr(vars(patient))


def test_a_deep_copy_reads_the_same_values(patient: Patient) -> None:
    patient.notes = "new"
    again = copy.deepcopy(patient)
    assert (again.name, again.notes) == ("Ada", "new")


def test_a_row_copied_under_a_new_key_can_be_read(patient: Patient) -> None:
    old = patient.pk
    patient.pk, patient._state.adding = uuid.uuid4(), True
    patient.save()
    assert (Patient.objects.get(pk=patient.pk).notes, Patient.objects.get(pk=old).notes) == ("marker-notes",) * 2
    assert patient.notes == "marker-notes"


def test_a_row_saved_over_another_one_can_be_read(patient: Patient) -> None:
    other = Patient.objects.create(name="Grace", notes="other")
    patient.pk = other.pk
    patient.save()
    assert Patient.objects.get(pk=other.pk).notes == "marker-notes"


def test_ciphertext_of_another_row_is_not_accepted(patient: Patient) -> None:
    sealed = Patient.objects.values_list("notes", flat=True).get(pk=patient.pk)
    assert repr(sealed) == "<Sealed>"
    other = Patient.objects.create(name="Grace")
    with pytest.raises(OpenFailed):
        other.notes = sealed
    with pytest.raises(OpenFailed), transaction.atomic():
        Patient(name="Grace", notes=Sealed(sealed.cell)).save()


def test_a_key_given_as_text_binds_as_its_uuid() -> None:
    key = uuid.uuid4()
    Patient.objects.create(pk=str(key), name="Ada")
    assert Patient.objects.get(pk=key).name == "Ada"


def test_deferred_values_are_fetched_sealed_and_one_at_a_time(patient: Patient) -> None:
    found = Patient.objects.only("title").get(pk=patient.pk)
    before = raw(patient, "notes")
    assert found.notes == "marker-notes"
    found.save()
    assert raw(patient, "notes") == before
    assert {"name", "history"} <= found.get_deferred_fields()


def test_refresh_from_db_and_raw_queries_give_the_stored_value(patient: Patient) -> None:
    stale = Patient.objects.get(pk=patient.pk)
    patient.notes = "new"
    patient.save()
    assert stale.notes == "marker-notes"
    stale.refresh_from_db()
    assert stale.notes == "new"
    assert [found.notes for found in Patient.objects.raw("SELECT * FROM testapp_patient")] == ["new"]


def test_related_instances_are_lazy_too(patient: Patient) -> None:
    patient.clinic = Clinic.objects.create(motto="salus")
    patient.save()
    found = Patient.objects.select_related("clinic").get(pk=patient.pk)
    assert found.clinic is not None
    assert found.clinic.motto == "salus"


def test_a_field_bound_to_other_columns_follows_them() -> None:
    clinic = Clinic.objects.create()
    made = Tenanted.objects.create(clinic=clinic, code="a", secret="s")
    Tenanted.objects.filter(pk=made.pk).update(code="b")
    with pytest.raises(OpenFailed):
        _ = Tenanted.objects.get(pk=made.pk).secret
    Tenanted.objects.filter(pk=made.pk).update(code="a")
    found = Tenanted.objects.get(pk=made.pk)
    found.code = "c"
    found.save()
    assert Tenanted.objects.get(pk=made.pk).secret == "s"


def test_a_field_that_is_not_bound_works_with_the_databases_own_key() -> None:
    made = Unbound.objects.create(secret="s")
    assert Unbound.objects.get(pk=made.pk).secret == "s"


def test_a_row_without_the_value_that_it_is_bound_to_is_not_written() -> None:
    with pytest.raises(FieldError, match="bound to clinic, which is not set"):
        Tenanted(code="a", secret="s").save()
