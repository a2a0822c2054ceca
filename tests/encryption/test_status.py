"""What is stored under which key is told without opening anything, and every cell can be proved to be sound."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.encryption import key_uses, rings
from tests.encryption.conftest import NEW, entry, ring
from tests.encryption.test_rotate import AFTER, BEFORE, NEXT_ROOT, ROOT, ROOTS_BEFORE, ROOTS_BOTH, cells, put, run
from tests.testapp.models import Clinic, Patient

pytestmark = pytest.mark.django_db

UseRings = Callable[..., None]


@pytest.fixture
def patients(use_rings: UseRings) -> list[Patient]:
    """Two under an old key and root, one under new ones."""
    use_rings(fields=BEFORE, indexes=ROOTS_BEFORE)
    made = [Patient.objects.create(name="Ada", national_id="1"), Patient.objects.create(name="Bea", weight=4)]
    use_rings(fields=AFTER, indexes=ROOTS_BOTH)
    return [*made, Patient.objects.create(name="Cyd", national_id="3")]


def told() -> set[tuple[str, str, str, int]]:
    columns = json.loads(run("status", "testapp.Patient", "--json"))["columns"]
    return {(each["field"].rpartition(".")[2], each["key"], each["root"], each["cells"]) for each in columns}


def test_status_counts_cells_by_key_and_index_root(patients: list[Patient]) -> None:
    assert told() >= {
        ("name", "0000000a", "", 2),
        ("name", "0000000b", "", 1),
        ("national_id", "0000000a", "odd", 2),
        ("national_id", "0000000b", "even", 1),
        ("weight", "0000000a", "odd", 1),
    }


def test_status_needs_no_key(patients: list[Patient], use_rings: UseRings) -> None:
    use_rings(fields="", indexes="")
    assert ("name", "0000000a", "", 2) in told()


def test_status_shows_nothing_of_what_is_not_sealed(patients: list[Patient]) -> None:
    put(Patient, patients[0].pk, "name", b"Ada Lovelace")
    put(Patient, patients[1].pk, "name", b"Bea")
    assert ("name", "", "", 2) in told()
    said = run("status", "testapp.Patient")
    assert "not sealed" in said
    assert "Lov" not in said
    assert "Bea" not in said


def test_status_as_text_has_a_line_for_each(patients: list[Patient]) -> None:
    assert any(
        line.split() == ["testapp.patient.name", "default", "0000000a", "2"] for line in run("status").splitlines()
    )


def test_what_a_key_is_needed_for_is_counted_over_all_models(patients: list[Patient]) -> None:
    Clinic.objects.create(motto="care")
    old, new = rings.data_ring()
    assert key_uses.values_of_key(old) == len([cell for cell in every_cell() if cell[2:6] == old.id_bytes]) > 5
    assert key_uses.values_of_key(new) == len([cell for cell in every_cell() if cell[2:6] == new.id_bytes]) == 5
    odd, even = rings.index_ring()
    assert (key_uses.tags_of_root(odd), key_uses.tags_of_root(even)) == (3, 1)


def every_cell() -> list[bytes]:
    fields = ("name", "notes", "national_id", "weight", "history")
    return [cell for name in fields for cell in cells(Patient, name)] + cells(Clinic, "motto")


# Verification


def test_sound_cells_are_verified_and_left_as_they_are(patients: list[Patient]) -> None:
    before = every_cell()
    result = json.loads(run("verify", "testapp.Patient", "--json"))
    assert (result["passed"], result["changed"], result["failures"]) == (3, 3, 0)
    assert every_cell() == before


@pytest.mark.parametrize("damage", ["flipped", "swapped rows", "text", "unknown flags", "lost key"])
def test_verify_lists_each_unreadable_row_with_the_reason_and_fails(
    patients: list[Patient], failures: list[dict[str, Any]], use_rings: UseRings, damage: str
) -> None:
    first, second, _ = cells(Patient, "name")
    bad, reason = {
        "flipped": (first[:40] + bytes([first[40] ^ 1]) + first[41:], "OpenFailed"),
        "swapped rows": (second, "OpenFailed"),
        "text": (b"Ada", "NotSealed"),
        "unknown flags": (b"\x81\x24" + first[2:], "UnknownFormat"),
        "lost key": (first[:2] + b"\0\0\0\x0c" + first[6:], "KeyUnavailable"),
    }[damage]
    put(Patient, patients[0].pk, "name", bad)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 cells can't be read"):
        call_command("encryption", "verify", "testapp.Patient", "--json", stdout=out, stderr=io.StringIO())
    (found,) = json.loads(out.getvalue())["unreadable"]
    assert (found["label"], found["pk"], found["reason"]) == ("testapp.patient.name", str(patients[0].pk), reason)
    assert [(sent["reason"], sent["target"]) for sent in failures] == [(reason, None)]


def test_verify_finds_a_row_that_a_search_would_miss(patients: list[Patient], use_rings: UseRings) -> None:
    """A root that was changed in its place: cells open, and no look-up finds them."""
    changed = entry("decrypt-only", material=bytes(reversed(ROOT)))
    use_rings(indexes=ring(k000000aa=changed, k000000bb=entry(material=NEXT_ROOT, number=2)))
    out = io.StringIO()
    with pytest.raises(CommandError, match="3 cells"):
        call_command("encryption", "verify", "testapp.Patient", "--json", stdout=out, stderr=io.StringIO())
    assert {found["reason"] for found in json.loads(out.getvalue())["unreadable"]} == {"TagMismatch"}


def test_a_key_lost_for_good_is_told_row_by_row(patients: list[Patient], use_rings: UseRings) -> None:
    use_rings(fields=ring(k0000000b=entry(material=NEW)))
    with pytest.raises(CommandError, match=r"\d+ cells can't be read"):
        run("verify", "testapp.Patient")
