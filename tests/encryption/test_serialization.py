"""A dump holds ciphertext, and is loaded only where it belongs: same ring, same row, same field."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.core.serializers.base import DeserializationError
from django.db import transaction
from django.test import override_settings

from apps.encryption import serialization
from apps.encryption.attributes import Sealed
from apps.encryption.errors import KeyUnavailable, NotSealed, OpenFailed
from apps.encryption.fields import Encrypted
from tests.encryption.conftest import entry, ring
from tests.encryption.test_fields import VALUES, raw
from tests.testapp.models import Clinic, Everything, Patient, Unbound

pytestmark = pytest.mark.django_db

MARKER = "Mk7Qz"


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.create(title="seen", name=MARKER, notes=f"{MARKER} {MARKER}", national_id="12-34", weight=60)


def dump(*labels: str) -> str:
    text = io.StringIO()
    call_command("dumpdata", *labels, stdout=text)
    return text.getvalue()


def load(text: str, folder: Path, kind: str = "json") -> None:
    path = folder / f"dump.{kind}"
    path.write_text(text)
    call_command("loaddata", str(path), verbosity=0)


@pytest.mark.asvs("14.2.4")
def test_a_dump_holds_ciphertext_and_loads_back_to_the_same_cells(patient: Patient, tmp_path: Path) -> None:
    before = [raw(patient, name) for name in ("name", "notes", "national_id", "weight", "history")]
    text = dump("testapp.Patient")
    fields = json.loads(text)[0]["fields"]
    assert fields["title"] == "seen"
    assert [list(fields[name]) for name in ("name", "notes", "weight", "history")] == [["$sealed"]] * 4
    assert MARKER not in text
    Patient.objects.all().delete()
    load(text, tmp_path)
    assert [raw(patient, name) for name in ("name", "notes", "national_id", "weight", "history")] == before
    assert Patient.objects.get(national_id="1234").notes == f"{MARKER} {MARKER}"


@pytest.mark.parametrize("kind", ["json", "jsonl", "python"])
def test_every_kind_of_value_is_dumped_and_loaded_in_each_format(kind: str) -> None:
    made = Everything.objects.create(**VALUES)
    Everything.objects.create()
    dumped = serializers.serialize(kind, Everything.objects.order_by("pk"))
    Everything.objects.all().delete()
    for found in serializers.deserialize(kind, dumped):
        found.save()
    again = Everything.objects.get(pk=made.pk)
    assert {name: getattr(again, name) for name in VALUES} == VALUES
    assert Everything.objects.exclude(pk=made.pk).get().integer is None


def test_a_dump_opens_nothing_and_takes_assigned_and_deferred_values(patient: Patient) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Encrypted, "open", lambda *_: pytest.fail("opened"))
        serializers.serialize("json", Patient.objects.all())
        deferred = serializers.serialize("python", Patient.objects.only("title"))
    assert deferred[0]["fields"]["notes"]["$sealed"]
    patient.notes = f"new {MARKER}"
    text = serializers.serialize("json", [patient, Patient(name=MARKER)])
    assert MARKER not in text
    first, second = (found.object for found in serializers.deserialize("json", text))
    assert (first.notes, second.name) == (f"new {MARKER}", MARKER)


def test_a_dump_of_a_row_without_a_bound_key_is_loaded_under_another_one(tmp_path: Path) -> None:
    made = Unbound.objects.create(secret="s")
    text = dump("testapp.Unbound").replace(f'"pk": {made.pk}', f'"pk": {made.pk + 1}')
    load(text, tmp_path)
    assert Unbound.objects.get(pk=made.pk + 1).secret == "s"


@pytest.mark.asvs("11.3.3")
def test_a_dump_is_not_loaded_into_another_row_or_field_or_under_another_ring(
    patient: Patient, tmp_path: Path, use_rings: Any
) -> None:
    text = dump("testapp.Patient")
    rows = json.loads(text)
    before = raw(patient, "name")
    rows[0]["fields"]["name"], rows[0]["fields"]["notes"] = rows[0]["fields"]["notes"], rows[0]["fields"]["name"]
    other = text.replace(str(patient.pk), str(Clinic().pk))
    for wrong in (json.dumps(rows), other):
        with pytest.raises(OpenFailed), transaction.atomic():
            load(wrong, tmp_path)
    use_rings(fields=ring(k0000000f=entry()))
    with pytest.raises(KeyUnavailable), transaction.atomic():
        load(text, tmp_path)
    assert Patient.objects.count() == 1
    assert raw(patient, "name") == before


@pytest.mark.parametrize(("planted", "error"), [("bm8gY2VsbA==", NotSealed), ("!", DeserializationError)])
def test_what_is_no_cell_is_not_loaded(patient: Patient, tmp_path: Path, planted: str, error: type[Exception]) -> None:
    rows = json.loads(dump("testapp.Patient"))
    rows[0]["fields"]["name"] = {"$sealed": planted}
    with pytest.raises(error), transaction.atomic():
        load(json.dumps(rows), tmp_path)
    assert Patient.objects.get().name == MARKER


def test_a_fixture_in_the_clear_is_sealed(tmp_path: Path) -> None:
    key = str(Clinic().pk)
    load(json.dumps([{"model": "testapp.clinic", "pk": key, "fields": {"motto": MARKER}}]), tmp_path)
    made = Clinic.objects.get()
    assert made.motto == MARKER
    assert bytes(raw(made, "motto"))[0] == 0x81


def test_the_form_of_a_dump_is_no_ciphertext_when_it_is_assigned_or_posted(patient: Patient) -> None:
    from tests.encryption.test_forms import PatientForm

    sealed = json.loads(dump("testapp.Patient"))[0]["fields"]["notes"]
    form = PatientForm({"name": "Eve", "history": json.dumps(sealed)}, instance=Patient(pk=patient.pk))
    assert form.is_valid()
    assert form.save(commit=False).history == sealed
    assert Everything(json=sealed).json == sealed


def test_a_format_that_would_be_in_the_clear_is_refused_and_names_those_that_are_not(patient: Patient) -> None:
    with pytest.raises(FieldError, match="Use json, jsonl or python"):
        serializers.serialize("xml", [patient])


@pytest.fixture
def own_serializer() -> Iterator[None]:
    """Django forgets all serializers when a test changes this setting: they are registered anew, before and after."""
    with override_settings(SERIALIZATION_MODULES={"json": "django.core.serializers.json"}):
        serialization.register()
        yield
    serialization.register()


@pytest.mark.usefixtures("own_serializer")
def test_a_serializer_of_the_projects_own_is_left_alone_and_can_not_dump_in_the_clear(patient: Patient) -> None:
    with pytest.raises(FieldError, match="in the clear"):
        serializers.serialize("json", [patient])
    assert MARKER not in serializers.serialize("jsonl", [patient])


def test_unknown_models_and_missing_fields_are_told_as_django_tells_them() -> None:
    with pytest.raises(DeserializationError, match="Invalid model identifier"):
        list(serializers.deserialize("json", '[{"model": "testapp.nothing", "pk": 1, "fields": {}}]'))
    assert repr(Sealed(b"x")) == "<Sealed>"
