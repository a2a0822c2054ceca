"""Rotation beside real writers: other processes write, with the old key, what is being resealed with the new one."""

import multiprocessing
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.encryption import inventory, rotation, verification
from apps.encryption.sweeping import Sweep
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.encryption.test_rotate import keys_of
from tests.testapp.models import Patient

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

OLD_IS_PRIMARY = ring(k0000000a=entry(material=OLD), k0000000b=entry("decrypt-only", material=NEW))
NEW_IS_PRIMARY = ring(k0000000a=entry("decrypt-only", material=OLD), k0000000b=entry(material=NEW))
SECONDS = 4.0
ROWS = 60
FORK = multiprocessing.get_context("fork")

UseRings = Callable[..., None]


def rotate() -> Any:
    with Sweep(batch=25) as sweep:
        rotation.rotate(inventory.tables(["testapp.Patient"]), sweep)
    return sweep


def start(work: Callable[..., None], *arguments: Any) -> int:
    """A process of its own; multiprocessing would, in the child, clear up what stops the database server."""
    connection.close()  # the child must not share it
    pid = os.fork()
    if pid:
        return pid
    try:
        work(*arguments)
        connection.close()
    except BaseException:  # noqa: BLE001 - whatever it is, the rest of the tests is not this process's to run
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def end(pid: int) -> int:
    """Its exit code, once it has ended; minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def keep_adding(keys: list[Any], seed: int, done: Any) -> None:
    """Adds 1 to random rows, each in a transaction that locks its row: no increment may be lost."""
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    while time.monotonic() < until:
        with transaction.atomic():
            row = Patient.objects.select_for_update().get(pk=chance.choice(keys))
            row.weight += 1
            row.save()
        done.value += 1


def keep_setting(keys: list[Any], seed: int, last: Any) -> None:
    """The only one to name these rows, without any lock: each must end with the last name that it gave."""
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    while time.monotonic() < until:
        place = chance.randrange(len(keys))
        row = Patient.objects.only("name").get(pk=keys[place])
        row.name = f"{last[place] + 1}"
        row.save(update_fields=["name"])
        last[place] += 1


def keep_rotating() -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        rotate()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time, and here one connection")
def test_no_update_is_lost_while_two_rotations_race_four_writers(use_rings: UseRings) -> None:
    use_rings(fields=OLD_IS_PRIMARY)
    keys = [Patient.objects.create(name="0", weight=0).pk for _ in range(ROWS)]
    added = [FORK.Value("i", 0) for _ in range(2)]
    last = [FORK.Array("i", ROWS // 2) for _ in range(2)]
    half = ROWS // 2
    workers = [start(keep_adding, keys, seed, done) for seed, done in enumerate(added)]
    workers += [start(keep_setting, keys[place * half :][:half], place, last[place]) for place in (0, 1)]
    use_rings(fields=NEW_IS_PRIMARY)
    workers += [start(keep_rotating) for _ in range(2)]
    assert [end(worker) for worker in workers] == [0] * 6

    rows = Patient.objects.in_bulk(keys)
    assert sum(row.weight or 0 for row in rows.values()) == sum(done.value for done in added) > 50
    assert [int(rows[key].name) for key in keys] == [*last[0], *last[1]]
    assert sum(last[0]) > 50
    assert rotate().left == 0
    assert keys_of(Patient, "name") == keys_of(Patient, "weight") == {"0000000b"}
    with Sweep() as sweep:
        verification.verify(inventory.tables(["testapp.Patient"]), sweep)
    assert sweep.failures == 0


def command(told: str) -> None:
    try:
        call_command("encryption", "rotate", "testapp.Patient", "--batch", "20", "--max-rate", "100")
    except CommandError as error:
        os.write(int(told), str(error).encode())
        os._exit(error.returncode)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the tests' SQLite lives in one process's memory")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_rotation_that_is_interrupted_loses_nothing_and_goes_on(use_rings: UseRings, number: signal.Signals) -> None:
    use_rings(fields=OLD_IS_PRIMARY)
    Patient.objects.bulk_create([Patient(name=str(place), weight=place) for place in range(400)])
    use_rings(fields=NEW_IS_PRIMARY)
    reads, writes = os.pipe()
    process = start(command, str(writes))
    while keys_of(Patient, "name") != {"0000000a", "0000000b"}:
        time.sleep(0.05)
    os.kill(process, number)
    status = end(process)
    os.close(writes)
    with os.fdopen(reads) as told:
        said = told.read()
    if number == signal.SIGKILL:
        assert status == -number
    else:
        assert (status, said) == (130, "Stopped. What is done is done; run it again to go on.")
    assert keys_of(Patient, "name") == {"0000000a", "0000000b"}
    assert rotate().left == 0
    assert sorted(row.weight or 0 for row in Patient.objects.all()) == list(range(400))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the bar is PostgreSQL's")
def test_rotation_is_fast(use_rings: UseRings) -> None:
    """A third of that is enough here, since tests share their machine. Alone on two cores it was 26,000."""
    use_rings(fields=OLD_IS_PRIMARY)
    Patient.objects.bulk_create([Patient(name=str(place)) for place in range(10_000)], batch_size=2000)
    use_rings(fields=NEW_IS_PRIMARY)
    with Sweep() as tally:
        rotation.rotate(inventory.tables(["testapp.Patient.name"]), tally)
    assert tally.changed == 10_000
    assert tally.changed / tally.seconds > 3_000
