"""A walk over stored cells tells how far it is, can be stopped, and ends well only if all that was asked is done."""

import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError

from apps.encryption import inventory, rotation, swapping, sweeping, verification
from apps.encryption.sweeping import Sweep
from tests.encryption.test_rotate import AFTER, BEFORE, UseRings, keys_of, run
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_after_the_batch_and_a_second_one_at_once(number: signal.Signals) -> None:
    said: list[str] = []
    before = signal.getsignal(number)
    Patient.objects.create(name="Ada")
    with Sweep(say=said.append) as sweep:
        os.kill(os.getpid(), number)
        verification.verify(inventory.tables(["testapp.Patient"]), sweep)
        assert (sweep.stopped, sweep.passed, said) == (True, 0, ["Stopping after this batch. Run it again to go on."])
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("found", "says", "status"),
    [
        ({"passed": 9, "changed": 9}, None, 0),
        ({"passed": 9, "changed": 8, "failures": 1}, "1 cells can't be read", 1),
        ({"passed": 9, "changed": 8, "left": 1}, "1 rows are left", 1),
        ({"passed": 9, "changed": 8, "left": 1, "stopped": True}, "run it again to go on", 130),
    ],
    ids=["all done", "unreadable", "left", "stopped"],
)
def test_it_ends_well_only_if_all_is_done(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, int], says: str | None, status: int
) -> None:
    monkeypatch.setattr(rotation, "rotate", lambda _, sweep, **__: vars(sweep).update(found))
    if says is None:
        run("rotate", "testapp.Patient")
        return
    with pytest.raises(CommandError, match=says) as caught:
        run("rotate", "testapp.Patient")
    assert caught.value.returncode == status


def test_progress_tells_rate_and_time_left_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.5, 2.0, 2.0, 2.0, 2.0])
    monkeypatch.setattr("apps.encryption.sweeping.time.monotonic", lambda: next(now))
    said: list[str] = []
    sweep = Sweep(400, say=said.append)
    sweep.after(50)
    sweep.after(50)
    assert said == ["100 of 400 rows, 50/s, 6 s left"]


def test_what_a_process_with_the_old_key_writes_meanwhile_is_rotated_in_the_next_pass(
    monkeypatch: pytest.MonkeyPatch, use_rings: UseRings
) -> None:
    use_rings(fields=BEFORE)
    made = Patient.objects.create(name="Ada")
    use_rings(fields=AFTER)
    swap, interfered = swapping.swap, []

    def late(*arguments: Any) -> int:
        if not interfered:
            use_rings(fields=BEFORE)
            other = Patient.objects.get(pk=made.pk)
            other.name = "Grace"
            other.save()
            use_rings(fields=AFTER)
            interfered.append(other)
        return swap(*arguments)

    monkeypatch.setattr(sweeping, "swap", late)
    with Sweep() as sweep:
        rotation.rotate(inventory.tables(["testapp.Patient"]), sweep)
    assert (sweep.left, keys_of(Patient, "name")) == (0, {"0000000b"})
    assert Patient.objects.get(pk=made.pk).name == "Grace"
