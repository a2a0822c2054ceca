"""Values move from a plain field to an encrypted one and back: none lost, none changed, while the site runs."""

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.encryption import inventory, migrating, swapping, sweeping
from apps.encryption.fields import Encrypted
from apps.encryption.moving import Moving
from apps.encryption.sweeping import Sweep
from tests.encryption.test_rotate import cells, put
from tests.testapp.models import Employee

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("encryption", "migrate", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def ssn(*options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("testapp.Employee.sealed_ssn", "--from", "ssn", "--json", *options))
    return found


def fill(name: str, *, reverse: bool = False) -> Sweep:
    with Sweep() as sweep:
        migrating.fill(inventory.tables([f"testapp.Employee.sealed_{name}"]), name, sweep, reverse=reverse)
    return sweep


def leftovers(**plain: Any) -> Employee:
    """A row from before: only its plain field is filled."""
    made = Employee.objects.create()
    models.QuerySet(Employee).filter(pk=made.pk).update(**plain)
    return made


@pytest.fixture
def sealed_leads() -> Iterator[None]:
    """The release after: the encrypted field leads."""
    moving = Employee.moving_ssn
    moving.leader, moving.follower = moving.follower, moving.leader
    yield
    moving.leader, moving.follower = moving.follower, moving.leader


# Filling


def test_what_was_plain_is_sealed_as_well_and_can_be_found() -> None:
    made = [leftovers(ssn=value) for value in ("850324-4821", "", None, "Ünïcode")]
    result = ssn()
    assert (result["changed"], result["left"], result["failures"]) == (3, 0, 0)
    assert [Employee.objects.get(pk=row.pk).sealed_ssn for row in made] == ["850324-4821", "", None, "Ünïcode"]
    assert Employee.objects.get(sealed_ssn="8503244821").pk == made[0].pk
    assert b"4821" not in b"".join(cells(Employee, "sealed_ssn"))


def test_a_second_run_changes_nothing() -> None:
    leftovers(ssn="1")
    ssn()
    before = cells(Employee, "sealed_ssn")
    assert (ssn()["changed"], cells(Employee, "sealed_ssn")) == (0, before)


def test_a_dry_run_writes_nothing() -> None:
    leftovers(ssn="1")
    assert (ssn("--dry-run")["changed"], cells(Employee, "sealed_ssn")) == (1, [])


def test_what_was_written_behind_the_fields_is_found_and_put_right() -> None:
    """By SQL, or by code that knows the plain field only: the leader's value wins."""
    made = Employee.objects.create(ssn="1")
    models.QuerySet(Employee).filter(pk=made.pk).update(ssn="2")
    assert Employee.objects.get(pk=made.pk).sealed_ssn == "1"
    assert ssn()["changed"] == 1
    assert Employee.objects.get(pk=made.pk).sealed_ssn == "2"


def test_a_value_that_changes_meanwhile_is_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    made, swap, interfered = leftovers(ssn="old"), swapping.swap, []

    def late(*arguments: Any) -> int:
        if not interfered:
            interfered.append(made)
            other = Employee.objects.get(pk=made.pk)
            other.ssn = "new"
            other.save()
        return swap(*arguments)

    monkeypatch.setattr(sweeping, "swap", late)
    assert (ssn()["left"], Employee.objects.get(pk=made.pk).sealed_ssn) == (0, "new")


def test_a_row_that_a_constraint_refuses_is_listed_and_the_others_are_filled() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX one_of_each ON testapp_employee (SUBSTR(sealed_ssn, 7, 16))")
    rows = [leftovers(ssn=value) for value in ("1", "2", "1")]
    tally = fill("ssn")
    assert (tally.changed, tally.left, tally.failures) == (2, 0, 1)
    (refused,) = tally.unreadable
    assert (refused.reason, refused.pk) in {("IntegrityError", str(rows[0].pk)), ("IntegrityError", str(rows[2].pk))}
    assert Employee.objects.get(pk=rows[1].pk).sealed_ssn == "2"
    with pytest.raises(CommandError, match="1 cells can't be read"):
        ssn()


def test_a_cell_that_can_not_be_opened_is_left_as_evidence_and_listed() -> None:
    made = Employee.objects.create(ssn="1")
    put(Employee, made.pk, "sealed_ssn", b"1")
    with pytest.raises(CommandError, match="1 cells can't be read"):
        ssn()
    assert cells(Employee, "sealed_ssn") == [b"1"]


def test_a_value_that_the_encrypted_field_refuses_is_listed_and_not_shown() -> None:
    made = leftovers(ssn="x")
    field: Encrypted = Employee._meta.get_field("sealed_ssn")  # type: ignore[assignment]  # it is one
    inner, codec = field.inner, field.codec
    field.inner, field.codec = models.IntegerField(), Encrypted(models.IntegerField()).codec
    try:
        with pytest.raises(CommandError, match="1 cells can't be read, or not be written"):
            ssn()
    finally:
        field.inner, field.codec = inner, codec
    assert Employee.objects.get(pk=made.pk).ssn == "x"


MONEY = st.none() | st.decimals(min_value=-99999, max_value=99999, places=2)
JSON = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=5,
)


@given(pay=MONEY, file=JSON)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_and_back_again_every_value_is_what_it_was(pay: Decimal | None, file: Any) -> None:
    made = leftovers(pay=pay, file=file)
    for name in ("pay", "file"):
        assert fill(name).left == 0
    models.QuerySet(Employee).filter(pk=made.pk).update(pay=None, file=None)
    for name in ("pay", "file"):
        assert fill(name, reverse=True).left == 0
    again = Employee.objects.get(pk=made.pk)
    assert (again.pay, again.file) == (again.sealed_pay, again.sealed_file) == (pay, file)


# Keeping the two equal


@pytest.mark.parametrize("way", ["create", "save", "bulk_create", "bulk_update", "update_or_create"])
def test_each_write_to_the_leader_takes_the_follower_along(way: str) -> None:
    made = Employee.objects.create(ssn="1") if way != "bulk_create" else Employee(ssn="2")
    made.ssn = "2"
    if way == "create":
        made = Employee.objects.create(ssn="2")
    elif way == "save":
        made.save()
    elif way == "bulk_create":
        Employee.objects.bulk_create([made])
    elif way == "bulk_update":
        Employee.objects.bulk_update([made], ["ssn", "sealed_ssn"])
    else:
        Employee.objects.update_or_create(pk=made.pk, defaults={"ssn": "2", "sealed_ssn": None})
    found = Employee.objects.get(pk=made.pk)
    assert (found.ssn, found.sealed_ssn) == ("2", "2")


def test_a_write_that_would_leave_the_follower_behind_is_refused() -> None:
    made = Employee.objects.create(ssn="1")
    made.ssn = "2"
    with pytest.raises(FieldError, match="write both"):
        made.save(update_fields=["ssn"])
    with pytest.raises(FieldError, match="write both"):
        Employee.objects.bulk_update([made], ["ssn"])
    with pytest.raises(FieldError, match="can't keep ssn and sealed_ssn equal"):
        Employee.objects.update(ssn="2")
    with pytest.raises(FieldError, match="can't keep ssn and sealed_ssn equal"):
        Employee.objects.update(ssn="2", sealed_ssn=None)
    half = Employee.objects.defer("sealed_ssn").get()
    half.ssn = "2"
    with pytest.raises(FieldError, match="write both"):
        half.save()
    assert [(row.ssn, row.sealed_ssn) for row in Employee.objects.all()] == [("1", "1")]


def test_both_can_be_emptied_at_once() -> None:
    made = Employee.objects.create(ssn="1")
    Employee.objects.update(ssn=None, sealed_ssn=None)
    found = Employee.objects.get(pk=made.pk)
    assert (found.ssn, found.sealed_ssn) == (None, None)


def test_other_fields_are_written_as_ever() -> None:
    made = Employee.objects.create(ssn="1")
    Employee.objects.update(title="Dr.")
    made.title = "Prof."
    made.save(update_fields=["title"])
    Employee.objects.only("title").get().save()
    before = cells(Employee, "sealed_ssn")
    Employee.objects.get().save()
    assert cells(Employee, "sealed_ssn") == before


def test_when_the_encrypted_field_leads_the_plain_one_follows(sealed_leads: None) -> None:
    made = Employee.objects.create(sealed_ssn="1")
    assert Employee.objects.get(pk=made.pk).ssn == "1"
    assert ssn("--reverse")["changed"] == 0
    with pytest.raises(CommandError, match="sealed_ssn leads"):
        ssn()


def test_the_leader_is_not_filled_from_its_follower() -> None:
    with pytest.raises(CommandError, match="ssn leads"):
        ssn("--reverse")


def test_a_leader_is_one_of_the_two() -> None:
    with pytest.raises(ValueError, match="not title"):
        Moving("ssn", "sealed_ssn", leader="title")


@pytest.mark.parametrize(
    ("target", "source", "why"),
    [
        ("testapp.Employee.sealed_pay", "pay", "Nothing keeps pay and sealed_pay"),
        ("testapp.Employee.sealed_ssn", "none", "Nothing keeps none and sealed_ssn"),
        ("testapp.Employee.ssn", "ssn", "is neither an encrypted field"),
    ],
)
def test_a_move_that_nothing_keeps_equal_is_refused(target: str, source: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        run(target, "--from", source)


@pytest.mark.parametrize("name", ["sealed_pay", "none"])
def test_only_a_plain_field_is_filled_from(name: str) -> None:
    with pytest.raises(FieldError, match=f"has no plain field {name}"):
        migrating.plain_field(Employee, name)
