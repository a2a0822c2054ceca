"""A masked value is shown in full to whoever may, for a reason, on record: or not at all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django import forms
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.dispatch import Signal

from apps.audit.api import NotRecorded, acting_as
from apps.audit.models import Event
from apps.encryption import signals
from apps.encryption.attributes import Sealed
from apps.encryption.errors import OpenFailed
from apps.encryption.forms import MaskedFormMixin
from apps.encryption.reveal import LONGEST_REASON, reveal
from tests.conftest import MakeUser
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db
Heard = list[dict[str, Any]]


class Somebody:
    """A user whose backends know one permission on one object."""

    def __init__(self, permission: str, on: object) -> None:
        self.held = permission, on

    def has_perm(self, perm: str, obj: Any = None, /) -> bool:
        return (perm, obj) == self.held


class PatientForm(MaskedFormMixin, forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    class Meta:
        model = Patient
        fields = ("name", "national_id")


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.get(pk=Patient.objects.create(name="Ada", national_id="12-345678").pk)


@pytest.fixture
def nurse(patient: Patient) -> Somebody:
    return Somebody("testapp.change_patient", patient)


@pytest.fixture
def listen() -> Iterator[Callable[..., Heard]]:
    """`listen(signal)` gives what it tells; no app hears it meanwhile, and `refuse` makes the hearer raise."""
    kept: list[tuple[Signal, Any]] = []

    def start(signal: Signal, refuse: Exception | None = None) -> Heard:
        heard: Heard = []

        def hear(**sent: Any) -> None:
            heard.append(sent)
            if refuse:
                raise refuse

        kept.append((signal, signal.receivers))
        signal.receivers = []
        signal.sender_receivers_cache.clear()
        signal.connect(hear, weak=False)
        return heard

    yield start
    for signal, receivers in kept:
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


@pytest.mark.asvs("14.2.6", "16.3.2")
def test_who_may_sees_the_value_and_it_is_told_with_the_reason(
    patient: Patient, nurse: Somebody, listen: Callable[..., Heard]
) -> None:
    heard = listen(signals.revealed)

    assert reveal(patient, "national_id", to=nurse, reason=" for the referral ") == "12-345678"

    [told] = heard
    assert (told["target"], told["outcome"], told["reason"]) == (patient, "success", "for the referral")
    assert told["details"]["label"] == "testapp.patient.national_id"
    assert "345678" not in str(told)


def test_who_may_not_is_refused_and_the_value_stays_closed(patient: Patient, listen: Callable[..., Heard]) -> None:
    heard, shown = listen(signals.reveal_refused), listen(signals.revealed)
    other = Patient.objects.create(name="Bo")

    with pytest.raises(PermissionDenied):
        reveal(patient, "national_id", to=Somebody("testapp.change_patient", other), reason="curious")

    [told] = heard
    assert (told["target"], told["outcome"]) == (patient, "denied")
    assert shown == []
    held = patient.__dict__["national_id"]
    assert isinstance(held, Sealed)
    assert "345678" not in str(held.plain)


@pytest.mark.parametrize("reason", ["", "  ", "x" * (LONGEST_REASON + 1)])
def test_nothing_is_revealed_without_a_reason(patient: Patient, nurse: Somebody, reason: str) -> None:
    with pytest.raises(ValueError, match="Say why"):
        reveal(patient, "national_id", to=nurse, reason=reason)


@pytest.mark.parametrize("name", ["name", "title", "nothing"])
def test_a_field_that_declares_no_permission_is_revealed_to_nobody(
    patient: Patient, nurse: Somebody, name: str
) -> None:
    with pytest.raises(TypeError, match=r"declared without reveal|is not encrypted"):
        reveal(patient, name, to=nurse, reason="for the referral")


def test_a_value_that_cannot_be_recorded_is_not_given(
    patient: Patient, nurse: Somebody, listen: Callable[..., Heard]
) -> None:
    listen(signals.revealed, RuntimeError("the log is full"))

    with pytest.raises(RuntimeError, match="the log is full"):
        reveal(patient, "national_id", to=nurse, reason="for the referral")


def test_a_value_that_cannot_be_opened_was_not_revealed(
    patient: Patient, nurse: Somebody, listen: Callable[..., Heard], failures: Heard
) -> None:
    heard = listen(signals.revealed)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET national_id = name")

    with pytest.raises(OpenFailed):
        reveal(Patient.objects.get(pk=patient.pk), "national_id", to=nurse, reason="x")

    assert heard == []
    assert [failure["reason"] for failure in failures] == ["OpenFailed"]


def test_what_was_shown_and_what_was_refused_is_in_the_audit_log(
    patient: Patient, nurse: Somebody, make_user: MakeUser
) -> None:
    with acting_as(make_user(email="nurse@example.org")):
        reveal(patient, "national_id", to=nurse, reason="for the referral")
        with pytest.raises(PermissionDenied), transaction.atomic():
            reveal(patient, "national_id", to=Somebody("testapp.view_patient", patient), reason="curious")
    told = Event.objects.filter(action__startswith="encryption.").order_by("action")
    assert [(event.action, event.actor_label, event.outcome, event.reason) for event in told] == [
        ("encryption.reveal.refused", "nurse@example.org", "denied", "curious"),
        ("encryption.value.revealed", "nurse@example.org", "success", "for the referral"),
    ]
    assert "345678" not in "".join(event.details + event.changes for event in told)


def test_nobody_in_particular_is_shown_nothing(patient: Patient, nurse: Somebody) -> None:
    """A command opens `acting_as(user, …)` first: who saw it must be known."""
    with pytest.raises(NotRecorded):
        reveal(patient, "national_id", to=nurse, reason="for the referral")


def test_a_form_does_not_show_what_the_page_masks(patient: Patient) -> None:
    html = PatientForm(instance=patient).as_p()

    assert "12-345678" not in html
    assert "••••5678" in html
    assert 'value="Ada"' in html


def test_a_masked_field_left_empty_keeps_its_cell(patient: Patient) -> None:
    before = patient.__dict__["national_id"].cell
    form = PatientForm({"name": "Ada L.", "national_id": ""}, instance=patient)

    assert form.is_valid(), form.errors
    assert form.changed_data == ["name"]
    form.save()

    found = Patient.objects.get(pk=patient.pk)
    assert (found.name, found.__dict__["national_id"].cell) == ("Ada L.", before)


def test_a_masked_field_that_is_filled_in_is_changed(patient: Patient) -> None:
    PatientForm({"name": "Ada", "national_id": "99-999999"}, instance=patient).save()

    assert Patient.objects.get(pk=patient.pk).national_id == "99-999999"


def test_the_form_of_a_new_row_asks_for_the_value() -> None:
    form = PatientForm({"name": "Ada", "national_id": "99-999999"})

    assert "keep" not in form.as_p()
    assert form.save().national_id == "99-999999"
