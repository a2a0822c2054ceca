"""A value that can't be opened is counted, whatever else becomes of it."""

import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from pytest_django import Settings

from apps.audit.api import acting_as
from apps.encryption import metrics
from apps.encryption.errors import OpenFailed
from apps.encryption.reveal import reveal
from tests.conftest import MakeUser
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db
CONNECTED = {entry[0][0] for signal in metrics.COUNTED.values() for entry in signal.receivers} & set(metrics.COUNTED)
counted: list[tuple[str, dict[str, str]]] = []


def counter(name: str, labels: dict[str, str]) -> None:
    counted.append((name, labels))


def broken(name: str, labels: dict[str, str]) -> None:
    raise RuntimeError("no route to the metrics")


@pytest.fixture(autouse=True)
def _connected(failures: list[Any]) -> None:
    """`failures` has taken the receivers away for the test."""
    counted.clear()
    metrics.connect()


def test_it_is_connected_when_the_app_is_ready() -> None:
    assert set(metrics.COUNTED) == CONNECTED


@pytest.fixture
def damaged() -> Patient:
    made = Patient.objects.create(name="Ada", national_id="1234")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET name = national_id")
    return Patient.objects.get(pk=made.pk)


def read(patient: Patient) -> None:
    with pytest.raises(OpenFailed):
        _ = patient.name


def test_the_counter_of_the_settings_is_told_which_field_and_why(damaged: Patient, settings: Settings) -> None:
    settings.ENCRYPTION_COUNTER = f"{__name__}.counter"
    read(damaged)
    read(damaged)
    assert counted == [("encryption_open_failed", {"reason": "OpenFailed", "field": "testapp.patient.name"})]


def test_without_a_counter_it_is_a_log_line(
    damaged: Patient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    del settings.ENCRYPTION_COUNTER
    with caplog.at_level(logging.WARNING, "apps.encryption.metrics"):
        read(damaged)
    [line] = caplog.records
    assert (line.message, line.__dict__["field"]) == ("encryption_open_failed", "testapp.patient.name")


@pytest.mark.parametrize("path", [f"{__name__}.broken", "no.such.module"])
def test_a_counter_that_fails_hides_nothing(
    damaged: Patient, settings: Settings, caplog: pytest.LogCaptureFixture, failures: list[Any], path: str
) -> None:
    settings.ENCRYPTION_COUNTER = path
    read(damaged)
    assert len(failures) == 1
    assert "ENCRYPTION_COUNTER failed on encryption_open_failed" in caplog.text


class Somebody:
    def __init__(self, *, may: bool) -> None:
        self.may = may

    def has_perm(self, perm: str, obj: Any = None, /) -> bool:
        return self.may


def test_reveals_and_refused_ones_are_counted_by_field(settings: Settings, make_user: MakeUser) -> None:
    settings.ENCRYPTION_COUNTER = f"{__name__}.counter"
    patient = Patient.objects.create(name="Ada", national_id="1234")
    with acting_as(make_user()):
        reveal(patient, "national_id", to=Somebody(may=True), reason="for the referral")
        with pytest.raises(PermissionDenied):
            reveal(patient, "national_id", to=Somebody(may=False), reason="for the referral")
    field = {"field": "testapp.patient.national_id"}
    assert counted == [("encryption_revealed", field), ("encryption_reveal_refused", field)]
