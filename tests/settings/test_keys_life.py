"""The life of a key: added, promoted, retired, destroyed, each in its file and in this order only."""

import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError
from django.test import override_settings

from apps.audit.models import Event
from apps.encryption import ringfile
from apps.encryption.keyring import validate, write_new_ring
from config.management.commands import keys
from tests.encryption.conftest import entry, ring
from tests.settings.test_keys_command import run
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db


class Rings:
    """Both rings in files, as the settings name them. `deploy()` is a restart: settings are read from the files."""

    def __init__(self, folder: Path) -> None:
        self.files = {"fields": folder / "fields.json", "indexes": folder / "indexes.json"}
        self.first = {name: write_new_ring(path) for name, path in self.files.items()}
        self.settings: Any = None

    def deploy(self) -> None:
        self.close()
        names = {"fields": "FIELD_ENCRYPTION_KEYS", "indexes": "FIELD_INDEX_KEYS"}
        self.settings = override_settings(**{names[name]: path.read_text() for name, path in self.files.items()})
        self.settings.enable()

    def close(self) -> None:
        if self.settings:
            self.settings.disable()
        self.settings = None

    def states(self, name: str) -> dict[str, str]:
        return {key_id: key["state"] for key_id, key in json.loads(self.files[name].read_text()).items()}

    def add(self, name: str = "fields") -> str:
        before = self.states(name)
        run("add", name)
        (made,) = self.states(name).keys() - before.keys()
        self.deploy()
        return made


@pytest.fixture
def rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rings]:
    made = Rings(tmp_path)
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS_FILE", str(made.files["fields"]))
    monkeypatch.setenv("FIELD_INDEX_KEYS_FILE", str(made.files["indexes"]))
    made.deploy()
    yield made
    made.close()


def rotate() -> None:
    from tests.encryption.test_rotate import run as encryption

    encryption("rotate")


def step(*arguments: str, rings: Rings) -> None:
    run(*arguments)
    rings.deploy()


@pytest.mark.asvs("11.1.1")
@pytest.mark.parametrize("name", ["fields", "indexes"])
def test_a_key_is_changed_for_another_without_a_moment_in_which_something_can_not_be_read_or_found(
    rings: Rings, name: str
) -> None:
    made = Patient.objects.create(name="Ada", national_id="12-34")

    def still_there() -> bool:
        return Patient.objects.get(national_id="1234").name == "Ada"

    old, new = rings.first[name], rings.add(name)
    assert rings.states(name) == {old: "primary", new: "decrypt-only"}
    assert still_there()
    step("promote", name, new, rings=rings)
    assert rings.states(name) == {old: "decrypt-only", new: "primary"}
    assert still_there()
    with pytest.raises(CommandError, match=f"Key {old} can't retire: . stored values need it"):
        run("retire", name, old)
    assert rings.states(name)[old] == "decrypt-only"
    rotate()
    step("retire", name, old, rings=rings)
    assert rings.states(name) == {old: "retired", new: "primary"}
    assert still_there()
    with pytest.raises(CommandError, match="backups that need it may be 90 days old"):
        run("destroy", name, old)
    step("destroy", name, old, "--retention-days", "0", rings=rings)
    assert rings.states(name) == {old: "destroyed", new: "primary"}
    assert "material" not in json.loads(rings.files[name].read_text())[old]
    assert Patient.objects.get(pk=made.pk).national_id == "12-34"


def test_a_new_key_only_opens_and_is_told_without_its_material(rings: Rings) -> None:
    said = run("add", "fields")
    (new,) = rings.states("fields").keys() - {rings.first["fields"]}
    assert f"keys promote fields {new}" in said
    assert json.loads(rings.files["fields"].read_text())[new]["material"] not in said


def test_a_third_index_root_has_to_wait_for_the_first_to_retire(rings: Rings) -> None:
    rings.add("indexes")
    before = rings.files["indexes"].read_bytes()
    with pytest.raises(CommandError, match="at most two"):
        run("add", "indexes")
    assert rings.files["indexes"].read_bytes() == before


@pytest.mark.parametrize(
    ("action", "state", "why"),
    [
        ("promote", "primary", "only a decrypt-only key can be promoted"),
        ("promote", "retired", "only a decrypt-only key can be promoted"),
        ("retire", "primary", "Promote another key first"),
        ("retire", "destroyed", "only a decrypt-only key can be retired"),
        ("restore", "decrypt-only", "only a retired key can be restored"),
        ("destroy", "decrypt-only", "Retire it first"),
    ],
)
def test_a_step_out_of_order_is_refused_and_changes_nothing(rings: Rings, action: str, state: str, why: str) -> None:
    key = entry(state)
    if state == "destroyed":
        del key["material"]
    rings.files["fields"].write_text(
        ring(k0000000a=key) if state == "primary" else ring(k0000000a=key, k0000000b=entry())
    )
    before = rings.files["fields"].read_bytes()
    with pytest.raises(CommandError, match=why):
        run(action, "fields", "0000000a")
    assert rings.files["fields"].read_bytes() == before


def test_a_key_that_is_not_there_is_refused(rings: Rings) -> None:
    with pytest.raises(CommandError, match="0000dead is not in the ring"):
        run("promote", "fields", "0000dead")


def test_a_retired_key_can_be_taken_back(rings: Rings) -> None:
    made = Patient.objects.create(name="Ada")
    old, new = rings.first["fields"], rings.add()
    step("promote", "fields", new, rings=rings)
    cell = Patient.objects.values_list("name", flat=True).get()
    Patient.objects.all().delete()
    step("retire", "fields", old, rings=rings)
    step("restore", "fields", old, rings=rings)
    made.__dict__["name"] = cell
    assert rings.states("fields")[old] == "decrypt-only"
    assert made.name == "Ada"


def test_how_long_a_key_has_been_retired_is_written_down(rings: Rings) -> None:
    retired = entry("retired") | {"changed": (datetime.now(UTC) - timedelta(days=91)).isoformat()}
    entries = json.loads(ring(k0000000a=retired, k0000000b=entry()))
    ringfile.destroy(entries, "0000000a", after=timedelta(days=90))
    assert entries["0000000a"]["state"] == "destroyed"
    unknown = json.loads(ring(k0000000a=entry("retired"), k0000000b=entry()))
    with pytest.raises(ringfile.Refused):
        ringfile.destroy(unknown, "0000000a", after=timedelta(days=1))


def test_a_ring_in_a_variable_has_no_file_to_change(rings: Rings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIELD_ENCRYPTION_KEYS_FILE")
    with pytest.raises(CommandError, match="FIELD_ENCRYPTION_KEYS_FILE is not set"):
        run("add", "fields")


def test_a_changed_file_has_the_mode_that_it_had_and_leaves_nothing_beside_it(rings: Rings) -> None:
    path = rings.files["fields"]
    path.chmod(0o640)
    run("add", "fields")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(path.parent.iterdir()) == sorted(rings.files.values())


def test_a_link_to_the_ring_stays_a_link(rings: Rings, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(rings.files["fields"])
    run("add", "fields", "--file", str(link))
    assert link.is_symlink()
    assert len(rings.states("fields")) == 2


def test_a_broken_ring_is_not_changed(rings: Rings) -> None:
    rings.files["fields"].write_text("{}")
    with pytest.raises(CommandError, match="holds no key"):
        run("add", "fields")
    assert rings.files["fields"].read_text() == "{}"


def test_a_file_that_is_not_there_is_told(rings: Rings, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written"):
        run("add", "fields", "--file", str(tmp_path / "none" / "ring.json"))


def test_changes_at_the_same_time_lose_no_key(rings: Rings) -> None:
    path = rings.files["fields"]

    def add(_: int) -> None:
        ringfile.change(path, lambda entries: ringfile.add(entries), index=False)  # type: ignore[arg-type, return-value]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(16)))
    assert len(rings.states("fields")) == 17
    assert validate(path.read_text()) == []


def test_a_key_does_not_retire_when_the_file_is_another_than_that_of_the_settings(rings: Rings, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(ring(k0000000a=entry("decrypt-only"), k0000000b=entry()))
    with pytest.raises(CommandError, match="but not in FIELD_ENCRYPTION_KEYS"):
        run("retire", "fields", "0000000a", "--file", os.fspath(other))


def test_status_tells_since_when(rings: Rings) -> None:
    new = rings.add()
    step("promote", "fields", new, rings=rings)
    assert f"{new}  primary       number 2" in run("status")
    assert "primary since" in run("status")


@pytest.mark.asvs("16.3.3")
def test_each_change_is_on_record_and_a_refused_one_is_not(rings: Rings) -> None:
    new = rings.add()
    step("promote", "fields", new, rings=rings)
    with pytest.raises(CommandError):
        run("retire", "fields", new)
    events = Event.objects.filter(action="encryption.key.changed").order_by("pk")
    assert [json.loads(event.details) for event in events] == [
        {"key": new, "ring": "fields", "step": name} for name in ("add", "promote")
    ]


def test_a_change_that_can_not_be_put_on_record_is_not_done(rings: Rings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError("it is read-only")

    monkeypatch.setattr(keys, "record", fail)
    before = rings.files["fields"].read_bytes()
    with pytest.raises(CommandError, match="can't be put on record, and is not done"):
        run("add", "fields")
    assert rings.files["fields"].read_bytes() == before
