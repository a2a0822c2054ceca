"""A shell shows no encrypted value by accident, and on purpose only on record."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.audit.api import record
from apps.audit.models import Event
from apps.audit.subjects import UNREADABLE
from apps.encryption import rings, subjects
from apps.encryption.errors import Locked
from apps.encryption.shell import seal, unseal
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.get(pk=Patient.objects.create(name="Ada", national_id="12-345678").pk)


@pytest.fixture
def sealed(patient: Patient) -> Iterator[None]:
    seal()
    yield
    rings.lock(closed=False)


@pytest.mark.usefixtures("sealed")
def test_what_is_printed_on_the_way_holds_no_value(patient: Patient) -> None:
    shown = repr((patient, Patient.objects.values("name")[0], patient.__dict__))
    assert "Ada" not in shown
    with pytest.raises(Locked, match="unseal"):
        _ = patient.name


@pytest.mark.usefixtures("sealed")
def test_a_closed_value_is_no_alarm(patient: Patient, failures: list[dict[str, Any]]) -> None:
    with pytest.raises(Locked):
        _ = patient.name
    assert failures == []


@pytest.mark.usefixtures("sealed")
def test_nothing_is_written_while_it_is_closed() -> None:
    with pytest.raises(Locked):
        Patient.objects.create(name="Bo")


@pytest.mark.usefixtures("sealed")
def test_what_is_done_meanwhile_is_told_under_the_keys_of_people_and_not_read(owner: User) -> None:
    for _ in range(2):  # with a new key, and with one that is stored
        subjects.forget()
        record("accounts.password.changed", target=owner)
    assert rings.locked
    shown = {event.target_label for event in Event.objects.filter(action="accounts.password.changed")}
    assert shown == {UNREADABLE}
    rings.lock(closed=False)
    shown = {event.target_label for event in Event.objects.filter(action="accounts.password.changed")}
    assert shown == {str(owner)}


@pytest.mark.usefixtures("sealed")
def test_rows_are_still_found_by_their_tags(patient: Patient) -> None:
    assert Patient.objects.get(national_id="12345678") == patient


@pytest.mark.asvs("16.3.2")
@pytest.mark.usefixtures("sealed")
def test_opening_is_for_one_block_with_a_reason_and_on_record(patient: Patient) -> None:
    with unseal(reason="ticket 4711"):
        assert patient.name == "Ada"
    with pytest.raises(Locked):
        _ = Patient.objects.get(pk=patient.pk).name
    event = Event.objects.get(action="encryption.shell.unsealed")
    assert (event.reason, event.actor_type) == ("ticket 4711", "system")


@pytest.mark.usefixtures("sealed")
def test_a_block_that_fails_is_closed_again(patient: Patient) -> None:
    with pytest.raises(ZeroDivisionError), unseal(reason="ticket 4711"):
        _ = 1 / 0
    with pytest.raises(Locked):
        _ = patient.name


@pytest.mark.usefixtures("sealed")
def test_nothing_is_opened_without_a_reason() -> None:
    with pytest.raises(ValueError, match="Say why"), unseal(reason=" "):
        pass
    assert rings.locked
    assert not Event.objects.filter(action="encryption.shell.unsealed").exists()


@pytest.mark.usefixtures("sealed")
def test_manage_py_shell_starts_closed(patient: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    rings.lock(closed=False)
    tried = f"Patient.objects.get(pk='{patient.pk}').name"
    with pytest.raises(Locked):
        call_command("shell", command=f"from tests.testapp.models import Patient; print({tried})", verbosity=0)

    call_command(
        "shell",
        command="from tests.testapp.models import Patient; from apps.encryption.shell import unseal\n"
        f"with unseal(reason='ticket'): print({tried})",
        verbosity=0,
    )
    assert capsys.readouterr().out == "Ada\n"


def test_the_shell_says_how_to_open_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from config.management.commands.shell import Command

    assert "apps.encryption.shell.unseal" in Command().get_auto_imports()
    with Path("/dev/null").open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        call_command("shell", verbosity=0)
    rings.lock(closed=False)
    assert "with unseal(reason=…)" in capsys.readouterr().err
