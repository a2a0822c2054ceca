"""Somebody has stolen a signing key, which has since been retired, and rules the database: he writes on with it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import override_settings

from apps.audit import sealing
from apps.audit.errors import Unsealable
from apps.audit.models import Archive, Checkpoint, Event
from apps.audit.notes import origin, signed
from apps.audit.verification import verify
from tests.audit.sealed import attack, happen, seal, stored
from tests.audit.test_audit_command import audit
from tests.audit.test_signing_keys import keys

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("11.2.2", "16.4.2")]

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Rotation:
    """A ring in its file, which deployed settings hold, and a sealer whose clock can be set."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.patch = path, monkeypatch
        keys("generate", "audit", "--file", str(path))
        monkeypatch.setenv("AUDIT_SIGNING_KEYS_FILE", str(path))
        (self.old,) = self.ring()
        self.new = ""
        self.stolen = self.ring()[self.old]

    def ring(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def step(self, verb: str, key: str) -> None:
        with self.deployed():
            keys(verb, "audit", key, *(["--retention-days", "0"] if verb == "destroy" else []))

    def begin(self) -> None:
        """The new key signs, and the old one still may."""
        keys("add", "audit")
        (self.new,) = self.ring().keys() - {self.old}
        self.step("promote", self.new)

    def deployed(self, primary: str = "") -> Any:
        """primary: who signs in a process that was started before, or is the thief's."""
        found = self.ring()
        if primary:
            found = {name: entry | {"state": "decrypt-only"} for name, entry in found.items()}
            found[primary] = (self.stolen if primary == self.old else found[primary]) | {"state": "primary"}
        return override_settings(AUDIT_SIGNING_KEYS=json.dumps(found))

    def seal(self, when: datetime, primary: str = "") -> None:
        clock = type("Clock", (datetime,), {"now": classmethod(lambda cls, zone=None: when)})
        with self.patch.context() as patch, self.deployed(primary):
            patch.setattr(sealing, "datetime", clock)
            happen(2, ago=NOW - when)
            seal()

    def found(self) -> list[tuple[str, str]]:
        with self.deployed():
            return [(finding.kind, finding.what) for finding in verify().findings]


@pytest.fixture
def rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rotation:
    return Rotation(tmp_path / "audit.json", monkeypatch)


@pytest.fixture
def rotated(rotation: Rotation) -> Rotation:
    """The old key has retired, the new one signed on the day after, and the thief comes later. All of it verifies."""
    rotation.seal(NOW)
    rotation.begin()
    rotation.seal(NOW)
    rotation.step("retire", rotation.old)
    rotation.seal(NOW + DAY)
    assert rotation.found() == []
    return rotation


REFUSED = "retired key: key {} has signed it after it had retired"


@pytest.mark.parametrize("when", [NOW + 2 * DAY, NOW], ids=["today", "dated back"])
def test_what_he_signs_with_a_retired_key_is_named_and_on_record(when: datetime, rotated: Rotation) -> None:
    rotated.seal(when, rotated.old)
    assert rotated.found() == [("note refused", REFUSED.format(rotated.old))]
    with rotated.deployed(), pytest.raises(CommandError, match="1 problems"):
        audit("verify")
    assert Event.objects.filter(action="audit.log.verified").latest("id").outcome == "failure"


def test_nothing_is_sealed_on_top_of_it(rotated: Rotation) -> None:
    rotated.seal(NOW + 2 * DAY, rotated.old)
    with rotated.deployed(), pytest.raises(Unsealable, match="it had retired"):
        seal()


def test_a_destroyed_key_is_believed_up_to_when_it_retired(rotated: Rotation) -> None:
    """And not up to when it was destroyed, months later."""
    rotated.step("destroy", rotated.old)
    ring = rotated.ring()
    ring[rotated.old]["changed"] = (NOW + 90 * DAY).isoformat()
    rotated.path.write_text(json.dumps(ring))
    assert rotated.found() == []
    rotated.seal(NOW + 2 * DAY, rotated.old)
    assert rotated.found() == [("note refused", REFUSED.format(rotated.old))]


def test_he_excuses_no_deletion_with_it(rotated: Rotation) -> None:
    event = Event.objects.earliest("id")
    when = (NOW + 2 * DAY).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    size = Checkpoint.objects.earliest("size").size
    with rotated.deployed(rotated.old):
        note = signed(f"{origin()}/archive\n0\n{size}\nx\ntime {when}\n")
    Archive(begin=0, end=size, note=note).save()
    attack("DELETE FROM audit_event WHERE id = %s", (stored(event.pk),))
    assert {kind for kind, _ in rotated.found()} == {"note refused", "event missing"}


def test_sealers_that_are_restarted_one_by_one_give_no_false_alarm(rotation: Rotation) -> None:
    rotation.seal(NOW)
    rotation.begin()
    for key in (rotation.new, rotation.old, rotation.new, rotation.old, rotation.new):
        rotation.seal(NOW, key)
    assert rotation.found() == []
    rotation.step("retire", rotation.old)
    assert rotation.found() == []
    rotation.seal(NOW + DAY)
    assert rotation.found() == []


def test_a_sealer_that_nobody_restarted_is_told_and_a_restored_key_is_believed_again(rotated: Rotation) -> None:
    rotated.seal(NOW + 2 * DAY, rotated.old)
    assert len(rotated.found()) == 1
    rotated.step("restore", rotated.old)
    assert rotated.found() == []
    rotated.step("promote", rotated.old)
    rotated.seal(NOW + 3 * DAY)
    assert rotated.found() == []
