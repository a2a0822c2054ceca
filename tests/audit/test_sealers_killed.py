"""`kill -9` of writers and sealers at any moment, and two sealers at once: nothing lost, nothing sealed twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.encryption.keyring import write_new_ring
from tests.project.tree import ROOT, clean_environment
from tests.services.database import make_owner
from tests.services.temporary_postgres import temporary_postgres

pytestmark = [pytest.mark.slow, pytest.mark.asvs("16.4.2")]

PREPARE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
from django.conf import settings
import config.settings.test as chosen
if path := os.environ.get("SQLITE_PATH"):
    options = {"transaction_mode": "IMMEDIATE", "timeout": 30, "init_command": "PRAGMA journal_mode=WAL;"}
    chosen.DATABASES["default"] |= {"NAME": path, "OPTIONS": options}
chosen.AUDIT_SIGNING_KEYS = open(os.environ["RING"]).read()
import django
django.setup()
"""
WRITE = """
from itertools import count
from django.db import transaction
from apps.audit.api import record
for number in count():
    with transaction.atomic():
        record("testapp.thing.changed", to=number)
        record("testapp.thing.changed", to=number)
    print(number, flush=True)
"""
SEAL = """
from apps.audit import sealing
from apps.audit.errors import SealerBusy
while True:
    try:
        for sealed in sealing.seal(most=7):
            print(sealed.size, flush=True)
    except SealerBusy:
        pass
"""
MIGRATE = "from django.core.management import call_command\ncall_command('migrate', verbosity=0)\n"
JUDGE = """
import json
from apps.audit import sealing
from apps.audit.models import Event, Leaf
from apps.audit.verification import verify
list(sealing.seal())
places = list(Leaf.objects.order_by("position").values_list("position", "event_id"))
report = verify()
print(json.dumps({
    "findings": [list(each) for each in report.findings],
    "events": Event.objects.filter(action="testapp.thing.changed").count(),
    "all": Event.objects.count(),
    "gapless": [place for place, _ in places] == list(range(len(places))),
    "once": len({event for _, event in places}) == len(places),
    "leaves": len(places),
}))
"""


class Machine:
    """Processes of the site on one database."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def start(self, program: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", PREPARE + program], cwd=ROOT, env=self.environ, stdout=subprocess.PIPE, text=True
        )

    def run(self, program: str) -> str:
        process = self.start(program)
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return told


@pytest.fixture(params=["sqlite", "postgresql"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    write_new_ring(tmp_path / "ring")
    environ = clean_environment(RING=str(tmp_path / "ring"))
    if request.param == "sqlite":
        made = Machine(environ | {"SQLITE_PATH": str(tmp_path / "db.sqlite3")})
        made.run(MIGRATE)
        yield made
        return
    with temporary_postgres() as url:
        owner = make_owner(url)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute("CREATE DATABASE killed")
        owner = urlsplit(owner)._replace(path="/killed").geturl()
        made = Machine(environ | {"TEST_DATABASE": "postgresql", "DATABASE_URL": owner})
        made.run(MIGRATE)
        yield made


def killed_after(process: "subprocess.Popen[str]", seconds: float) -> list[str]:
    """What it had said when it was killed at that moment."""
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    told, _ = process.communicate()
    return told.splitlines()


def first_line(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline(), "it ended before it had done anything"


def test_killed_at_random_moments_nothing_is_lost_or_sealed_twice(machine: Machine) -> None:
    chance = random.Random(20261125)
    committed = 0
    for _ in range(4):
        writer = machine.start(WRITE)
        first_line(writer)
        sealers = [machine.start(SEAL) for _ in range(2)]  # two at once
        for sealer in sealers:
            time.sleep(chance.uniform(0.8, 2.5))
            os.kill(sealer.pid, signal.SIGKILL)
            sealer.communicate()
        committed += 2 * (1 + len(killed_after(writer, chance.uniform(0.0, 0.3))))
    judged = json.loads(machine.run(JUDGE))
    assert judged["findings"] == []
    assert judged["gapless"]
    assert judged["once"]
    assert judged["leaves"] == judged["all"]
    assert judged["events"] >= committed  # what a writer was told is committed is there
    assert judged["events"] % 2 == 0  # and no transaction is there by half
