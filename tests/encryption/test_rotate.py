"""Rotation: everything is sealed with the present keys afterwards, nothing is lost, and nothing waits."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.encryption import inventory, rotation, swapping, sweeping
from apps.encryption.fields import Encrypted
from apps.encryption.sweeping import Sweep
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.testapp.models import Clinic, Patient, Tenanted, Unbound

pytestmark = pytest.mark.django_db

UseRings = Callable[..., None]
BEFORE = ring(k0000000a=entry(material=OLD))
AFTER = ring(k0000000a=entry("decrypt-only", material=OLD), k0000000b=entry(material=NEW))
ROOT, NEXT_ROOT = os.urandom(32), os.urandom(32)
ROOTS_BEFORE = ring(k000000aa=entry(material=ROOT))
ROOTS_BOTH = ring(k000000aa=entry("decrypt-only", material=ROOT), k000000bb=entry(material=NEXT_ROOT, number=2))
ROOTS_AFTER = ring(k000000aa=entry("retired", material=ROOT), k000000bb=entry(material=NEXT_ROOT, number=2))


def cells(model: Any, name: str) -> list[bytes]:
    """As they lie in the column."""
    column = inventory.raw(model._meta.get_field(name))
    return [bytes(cell) for cell in model._base_manager.order_by("pk").values_list(column, flat=True) if cell]


def keys_of(model: Any, name: str) -> set[str]:
    return {cell[2:6].hex() for cell in cells(model, name)}


def put(model: Any, pk: Any, name: str, cell: bytes) -> None:
    """Write bytes into the column, as a database writer could."""
    table, meta = inventory.Table("default", model, ()), model._meta
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(meta.db_table)} SET {quote(meta.get_field(name).column)} = %s "
            f"WHERE {quote(meta.pk.column)} = %s",
            [connection.Database.Binary(cell), meta.pk.get_db_prep_value(pk, connection)],
        )
        assert cursor.rowcount == 1, table


def rotate(*names: str, **options: Any) -> Sweep:
    with Sweep(**options) as sweep:
        rotation.rotate(inventory.tables(names), sweep)
    return sweep


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("encryption", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def patients(use_rings: UseRings) -> list[Patient]:
    """Seven, sealed with the old key, which still opens."""
    use_rings(fields=BEFORE, indexes=ROOTS_BEFORE)
    made = [
        Patient(name=f"Ada {number}", national_id=f"1000{number}", weight=number or None, history=[number])
        for number in range(7)
    ]
    Patient.objects.bulk_create(made)
    use_rings(fields=AFTER)
    return made


@pytest.mark.asvs("11.2.2")
def test_rotation_seals_every_column_of_every_row_with_the_primary_key(patients: list[Patient]) -> None:
    tally = rotate("testapp.Patient", batch=2)
    assert (tally.passed, tally.changed, tally.left, tally.failures) == (7, 7, 0, 0)
    for name in ("name", "notes", "national_id", "weight", "history"):
        assert keys_of(Patient, name) == {"0000000b"}


def test_what_was_there_is_still_there_and_still_found(patients: list[Patient], use_rings: UseRings) -> None:
    rotate("testapp.Patient")
    use_rings(fields=ring(k0000000b=entry(material=NEW)))
    for number, made in enumerate(patients):
        found = Patient.objects.get(national_id=f"1000-{number}")
        assert (found.pk, found.name, found.weight, found.history) == (made.pk, made.name, number or None, [number])


def test_a_second_run_finds_nothing_to_do(patients: list[Patient]) -> None:
    rotate("testapp.Patient")
    before = cells(Patient, "name")
    assert rotate("testapp.Patient").passed == 0
    assert cells(Patient, "name") == before


def test_a_run_that_was_stopped_goes_on_where_it_was(patients: list[Patient]) -> None:
    with Sweep(batch=3) as first:
        first.after = lambda rows: setattr(first, "stopped", True)  # type: ignore[method-assign]  # Ctrl-C
        rotation.rotate(inventory.tables(["testapp.Patient"]), first)
    assert (first.stopped, first.changed, first.left) == (True, 3, 4)
    second = rotate("testapp.Patient", batch=3)
    assert (second.changed, second.left) == (4, 0)


@pytest.mark.parametrize("bind", ["columns", "nothing"])
def test_cells_keep_what_they_are_bound_to(use_rings: UseRings, bind: str) -> None:
    use_rings(fields=BEFORE)
    clinic = Clinic.objects.create(motto="care")
    made = (
        Tenanted.objects.create(clinic=clinic, code="x", secret="mine")
        if bind == "columns"
        else Unbound.objects.create(secret="mine")
    )
    use_rings(fields=AFTER)
    assert rotate().changed == (2 if made.pk else 0)
    use_rings(fields=ring(k0000000b=entry(material=NEW)))
    assert type(made).objects.get(pk=made.pk).secret == "mine"


def test_a_dry_run_opens_and_writes_nothing(patients: list[Patient]) -> None:
    before = cells(Patient, "name")
    tally = rotate("testapp.Patient", dry_run=True)
    assert (tally.changed, cells(Patient, "name")) == (7, before)


def test_a_row_that_another_writer_changes_meanwhile_keeps_that_writers_value(
    patients: list[Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and writing: the value of the other writer stays, and is resealed in the next pass."""
    swap, interfered = swapping.swap, []

    def late(*arguments: Any) -> int:
        if not interfered:
            other = Patient.objects.get(pk=patients[3].pk)
            other.name = "Grace"
            other.save()
            interfered.append(other)
        return swap(*arguments)

    monkeypatch.setattr(sweeping, "swap", late)
    tally = rotate("testapp.Patient")
    assert Patient.objects.get(pk=patients[3].pk).name == "Grace"
    assert (tally.left, keys_of(Patient, "weight")) == (0, {"0000000b"})


def test_a_deleted_row_is_not_brought_back(patients: list[Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    swap = swapping.swap

    def late(*arguments: Any) -> int:
        Patient.objects.filter(pk=patients[0].pk).delete()
        return swap(*arguments)

    monkeypatch.setattr(sweeping, "swap", late)
    assert rotate("testapp.Patient").left == 0
    assert Patient.objects.count() == 6


@pytest.mark.parametrize("damage", ["flipped", "swapped", "text", "cut"])
def test_unreadable_cells_are_left_listed_and_told_of_and_the_rest_is_rotated(
    patients: list[Patient], failures: list[dict[str, Any]], damage: str
) -> None:
    first, second = cells(Patient, "name")[:2]
    bad = {"flipped": first[:-1] + bytes([first[-1] ^ 1]), "swapped": second, "text": b"Ada", "cut": first[:20]}[damage]
    put(Patient, patients[0].pk, "name", bad)
    with pytest.raises(CommandError, match="1 cells can't be read"):
        run("rotate", "testapp.Patient", "--json")
    assert cells(Patient, "name")[0] == bad
    assert {cell[2:6].hex() for cell in cells(Patient, "name")[1:]} == keys_of(Patient, "notes") == {"0000000b"}
    reason = "NotSealed" if damage == "text" else "OpenFailed"
    assert [(sent["reason"], sent["details"]["pk"]) for sent in failures] == [(reason, str(patients[0].pk))]


def test_the_list_of_unreadable_rows_names_each_and_shows_no_value(patients: list[Patient]) -> None:
    put(Patient, patients[0].pk, "name", b"Ada Lovelace")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("encryption", "rotate", "testapp.Patient", stdout=out, stderr=io.StringIO())
    assert f"NotSealed: testapp.patient.name of row {patients[0].pk}" in out.getvalue()
    assert "Lovelace" not in out.getvalue()


def test_json_is_one_object_that_a_program_can_read(patients: list[Patient]) -> None:
    told = json.loads(run("rotate", "testapp.Patient", "--json"))
    assert (told["action"], told["changed"], told["left"], told["unreadable"]) == ("rotate", 7, 0, [])


def test_one_field_can_be_rotated_alone(patients: list[Patient]) -> None:
    run("rotate", "testapp.patient.name")
    assert (keys_of(Patient, "name"), keys_of(Patient, "notes")) == ({"0000000b"}, {"0000000a"})


@pytest.mark.parametrize("name", ["testapp.patient.title", "nowhere"])
def test_a_name_without_encrypted_fields_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match=f"{name} is neither"):
        run("rotate", name)


def test_a_database_that_is_not_configured_is_refused() -> None:
    with pytest.raises(CommandError, match="No database is called other"):
        run("rotate", "--database", "other")


def test_a_rate_is_kept(patients: list[Patient]) -> None:
    with Sweep(max_rate=20, batch=2) as sweep:
        rotation.rotate(inventory.tables(["testapp.Patient.name"]), sweep)
    assert sweep.seconds >= 7 / 20


def test_a_new_index_root_rewrites_every_tag_and_look_ups_never_miss(
    patients: list[Patient], use_rings: UseRings
) -> None:
    use_rings(indexes=ROOTS_BOTH)
    tags = [cell[6:22] for cell in cells(Patient, "national_id")]
    assert Patient.objects.filter(national_id="10003").count() == 1
    assert rotate("testapp.Patient").left == 0
    assert not set(tags) & {cell[6:22] for cell in cells(Patient, "national_id")}
    assert Patient.objects.filter(national_id="10003").count() == 1
    use_rings(indexes=ROOTS_AFTER)
    assert [Patient.objects.get(national_id=f"1000{number}").pk for number in range(7)] == [
        made.pk for made in patients
    ]


def test_a_data_key_rotation_keeps_the_tags(patients: list[Patient]) -> None:
    tags = [cell[6:22] for cell in cells(Patient, "national_id")]
    rotate("testapp.Patient")
    assert [cell[6:22] for cell in cells(Patient, "national_id")] == tags


def test_a_field_that_has_become_searchable_gets_its_tags(use_rings: UseRings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_rings(fields=BEFORE, indexes=ROOTS_BEFORE)
    field: Encrypted = Patient._meta.get_field("national_id")  # type: ignore[assignment]  # it is one
    with monkeypatch.context() as patch:
        patch.setattr(field, "search", None)
        made = Patient.objects.create(name="Ada", national_id="12-34")
    assert not Patient.objects.filter(national_id="1234").exists()
    assert rotate("testapp.Patient").changed == 1
    assert Patient.objects.get(national_id="1234").pk == made.pk


def test_anew_makes_tags_again_after_a_change_of_the_normalizer(
    patients: list[Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.encryption.search import Exact

    rotate("testapp.Patient")
    field: Encrypted = Patient._meta.get_field("national_id")  # type: ignore[assignment]  # it is one
    monkeypatch.setattr(field, "search", Exact("nfkc-casefold-1"))
    assert not Patient.objects.filter(national_id="10003").exists()
    run("rotate", "testapp.Patient.national_id", "--anew")
    assert Patient.objects.get(national_id="10003").pk == patients[3].pk


def test_a_missing_ring_is_named(use_rings: UseRings) -> None:
    use_rings(fields="")
    with pytest.raises(CommandError, match="FIELD_ENCRYPTION_KEYS can't be used"):
        run("rotate")


@pytest.mark.parametrize("read", [False, True])
def test_an_instance_that_was_loaded_before_a_rotation_does_not_undo_it(patients: list[Patient], read: bool) -> None:
    """From a cache, or in a long task: its old cells would need a key that may have retired meanwhile."""
    before = Patient.objects.get(pk=patients[0].pk)
    if read:
        assert before.name == "Ada 0"
    rotate("testapp.Patient")
    before.save()
    assert keys_of(Patient, "name") == keys_of(Patient, "national_id") == {"0000000b"}
    assert Patient.objects.get(national_id="10000").name == "Ada 0"


def test_nor_the_rotation_of_an_index_root(patients: list[Patient], use_rings: UseRings) -> None:
    use_rings(indexes=ROOTS_BOTH)
    before = Patient.objects.get(pk=patients[0].pk)
    rotate("testapp.Patient")
    before.save()
    use_rings(indexes=ROOTS_AFTER)
    assert Patient.objects.get(national_id="10000").pk == before.pk


def test_a_damaged_cell_under_an_old_key_is_left_by_a_save(patients: list[Patient]) -> None:
    damaged = cells(Patient, "name")[0][:-1] + b"\0"
    put(Patient, patients[0].pk, "name", damaged)
    Patient.objects.get(pk=patients[0].pk).save()
    assert cells(Patient, "name")[0] == damaged


def test_a_lost_index_root_is_replaced_because_the_data_keys_still_open(
    patients: list[Patient], use_rings: UseRings
) -> None:
    use_rings(indexes=ring(k000000bb=entry(material=NEXT_ROOT)))
    assert not Patient.objects.filter(national_id="10003").exists()
    run("rotate", "--anew")
    assert Patient.objects.get(national_id="10003").pk == patients[3].pk
