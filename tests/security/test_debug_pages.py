"""A debug page tells where it failed, and no value that was there."""

import sys
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter, technical_500_response

from config.security.debug_pages import kind
from tests.testapp.models import Patient

MARKER = "Mk7Qz"


class Loud:
    def __repr__(self) -> str:
        return MARKER


def view(request: HttpRequest) -> HttpResponse:
    """Fails with values about: under any name, in containers, in an object's repr, in a frame of Django's."""
    patient = Patient.objects.get()
    value, held, loud = patient.name, {"cleaned": [patient.name]}, Loud()  # noqa: F841 - what a debug page would show
    return HttpResponse(Patient(name=value, nothing=value))  # type: ignore[arg-type]  # the failure


def page(request: HttpRequest, *, debug: bool) -> str:
    with override_settings(DEBUG=debug):
        try:
            view(request)
        except TypeError:
            failure = sys.exc_info()
            return (
                technical_500_response(request, *failure).content.decode()
                + ExceptionReporter(request, *failure).get_traceback_text()
            )
    raise AssertionError


@pytest.mark.asvs("16.2.5")
@pytest.mark.django_db
@pytest.mark.parametrize("debug", [True, False])
def test_no_value_is_shown(debug: bool) -> None:
    Patient.objects.create(name=MARKER)
    request = RequestFactory().post("/patients/", {"name": MARKER, "free_text": MARKER})

    shown = page(request, debug=debug)

    assert "Patient() got unexpected keyword arguments: &#x27;nothing&#x27;" in shown
    assert "free_text" in shown
    assert "str of 5" in shown
    assert MARKER not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (int, int),
        ("abc", "<str of 3>"),
        ([1], "<list of 1>"),
        (7, "<int>"),
        (Loud(), "<Loud>"),
    ],
)
def test_of_a_value_its_kind_is_told(value: Any, shown: Any) -> None:
    assert kind(value) == shown
