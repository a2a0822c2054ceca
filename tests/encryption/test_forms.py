"""A form sees the inner field: its widget, validators and errors. What is posted is text, whatever it looks like."""

import base64

import pytest
from django import forms
from django.core.exceptions import ValidationError

from tests.encryption.test_fields import raw
from tests.testapp.models import Everything, Patient

pytestmark = pytest.mark.django_db


class PatientForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Patient
        fields = ("name", "notes", "national_id", "weight", "history")


class EverythingForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    class Meta:
        model = Everything
        fields = ("email", "choice", "date", "boolean")


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.create(name="Ada", notes="some", national_id="12-34", weight=60)


def test_form_fields_are_those_of_the_inner_fields() -> None:
    form, other = PatientForm(), EverythingForm()
    assert (form.fields["name"].label, form.fields["name"].help_text) == ("Full name", "As on the card.")
    assert isinstance(form.fields["notes"].widget, forms.Textarea)
    assert isinstance(form.fields["weight"], forms.IntegerField)
    assert isinstance(other.fields["email"], forms.EmailField)
    assert isinstance(other.fields["choice"], forms.TypedChoiceField)


def test_a_form_saves_what_was_posted_and_shows_it_again(patient: Patient) -> None:
    form = PatientForm({"name": "Grace", "weight": "61", "history": "[]", "notes": ""}, instance=patient)
    assert form.is_valid(), form.errors
    form.save()
    found = Patient.objects.get(pk=patient.pk)
    assert (found.name, found.weight, found.notes, found.national_id) == ("Grace", 61, "", "")
    assert PatientForm(instance=found).initial["name"] == "Grace"


def test_errors_are_those_of_the_inner_field() -> None:
    form = PatientForm({"name": "x" * 41, "weight": "heavy", "history": "{"})
    assert {name: errors[0].code for name, errors in form.errors.as_data().items()} == {
        "name": "max_length",
        "weight": "invalid",
        "history": "invalid",
    }
    assert EverythingForm({"email": "no address", "choice": "z"}).errors.keys() == {"email", "choice", "date"}
    with pytest.raises(ValidationError):
        Patient(name="").full_clean()


def test_a_form_that_changes_one_field_leaves_the_cells_of_the_others(patient: Patient) -> None:
    found = Patient.objects.get(pk=patient.pk)
    before = raw(found, "name"), raw(found, "national_id")
    form = PatientForm(
        {"name": "Ada", "notes": "new", "national_id": "12-34", "weight": "60", "history": "[]"}, instance=found
    )
    assert form.is_valid()
    form.save()
    assert (raw(found, "name"), raw(found, "national_id")) == before


@pytest.mark.asvs("11.2.5")
def test_posted_ciphertext_is_text_and_is_not_opened(patient: Patient) -> None:
    cell = bytes(raw(patient, "notes"))
    for posted in (cell.decode("latin-1"), base64.b64encode(cell).decode(), cell.hex(), repr(cell)):
        form = PatientForm({"name": "Eve", "notes": posted.strip(), "history": "[]"}, instance=Patient(pk=patient.pk))
        if form.is_valid():  # null characters make it invalid
            assert form.save(commit=False).notes == form.cleaned_data["notes"] != "some"
        assigned = Patient(pk=patient.pk)
        assigned.notes = posted
        assert assigned.notes == posted
