"""Masks show little, and open nothing that they do not need."""

from unittest import mock

import pytest
from django.db import connection
from django.template import Context, Template

from apps.encryption.errors import OpenFailed
from apps.encryption.fields import Encrypted
from apps.encryption.masks import HIDDEN, last4, masked
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


def shown(patient: Patient, name: str) -> str:
    template = Template("{% load encryption %}{% masked patient name %}")
    return template.render(Context({"patient": patient, "name": name}))


@pytest.fixture
def patient() -> Patient:
    made = Patient.objects.create(name="Ada", national_id="12-34<5678", weight=None)
    return Patient.objects.get(pk=made.pk)


@pytest.mark.asvs("14.2.6")
@pytest.mark.parametrize(
    ("value", "mask"), [("12345678", "••••5678"), ("1234567", HIDDEN), ("1", HIDDEN), (123456789, "••••6789")]
)
def test_last4_shows_four_characters_and_hides_at_least_as_many(value: object, mask: str) -> None:
    assert last4(value) == mask


def test_a_field_is_shown_as_its_mask_says(patient: Patient) -> None:
    assert shown(patient, "national_id") == masked(patient, "national_id") == "••••5678"
    assert masked(Patient(national_id=""), "national_id") == ""
    assert shown(Patient(national_id="123456<i>"), "national_id") == "••••6&lt;i&gt;"


def test_a_field_without_a_mask_is_dots_and_stays_closed(patient: Patient) -> None:
    with mock.patch.object(Encrypted, "open", side_effect=AssertionError):
        assert (masked(patient, "name"), masked(patient, "weight")) == (HIDDEN, "")


def test_a_plain_field_has_no_mask(patient: Patient) -> None:
    with pytest.raises(TypeError, match="not encrypted"):
        masked(patient, "title")


def test_one_unreadable_value_does_not_take_the_page_away(patient: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET national_id = name")
    found = Patient.objects.get(pk=patient.pk)
    assert shown(found, "national_id") == "unreadable"
    with pytest.raises(OpenFailed):
        masked(found, "national_id")
