"""A unique constraint holds while the index root is replaced under it."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import IntegrityError, connection, transaction

from apps.encryption import inventory, rotation
from apps.encryption.sweeping import Sweep
from tests.encryption.conftest import entry, ring
from tests.encryption.test_rotate import NEXT_ROOT, ROOT, ROOTS_AFTER, ROOTS_BEFORE, ROOTS_BOTH, cells, run
from tests.encryption.test_rotate_under_load import end, start
from tests.testapp.models import Member

UseRings = Callable[..., None]
OLD_LEADS = ring(k000000aa=entry(material=ROOT), k000000bb=entry("decrypt-only", material=NEXT_ROOT, number=2))
SECONDS = 3.0
VALUES = [f"{number}@example.org" for number in range(150)]


def rotate() -> Any:
    with Sweep(batch=10) as sweep:
        rotation.rotate(inventory.tables(["testapp.Member"]), sweep)
    return sweep


@pytest.mark.django_db
def test_every_tag_is_rewritten_and_a_value_stays_taken_at_each_step(use_rings: UseRings) -> None:
    for step, roots in enumerate((ROOTS_BEFORE, OLD_LEADS, ROOTS_BOTH)):
        use_rings(indexes=roots)
        Member.objects.create(email=f"{step}@example.org")
    assert rotate().left == 0
    for roots in (ROOTS_BOTH, ROOTS_AFTER):
        use_rings(indexes=roots)
        for step in range(3):
            with pytest.raises(IntegrityError), transaction.atomic():
                Member.objects.create(email=f"{step}@EXAMPLE.org")
    assert {cell[1] & 0x10 for cell in cells(Member, "email")} == {0}


@pytest.mark.django_db
def test_rows_that_became_equal_by_a_deployment_out_of_order_are_listed_and_the_others_rotated(
    use_rings: UseRings,
) -> None:
    """Two processes of which each knew one root only: nothing could have stopped them."""
    use_rings(indexes=ROOTS_BEFORE)
    first = Member.objects.create(email="a@example.org")
    Member.objects.create(email="b@example.org")
    use_rings(indexes=ROOTS_AFTER)
    Member.objects.create(email="a@example.org")
    use_rings(indexes=ROOTS_BOTH)
    with pytest.raises(CommandError, match="1 cells can't be read, or not be written"):
        run("rotate", "testapp.Member")
    assert Member.objects.filter(email="b@example.org").count() == 1
    assert [cell[1] & 0x10 for cell in cells(Member, "email")] == [0x10, 0, 0]
    Member.objects.filter(pk=first.pk).delete()
    assert rotate().left == 0


def keep_adding(seed: int) -> None:
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            Member.objects.create(email=chance.choice(VALUES))
        except IntegrityError:
            if chance.random() < 0.3:
                Member.objects.filter(email=chance.choice(VALUES)).delete()


def keep_rotating() -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        rotate()


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time, and here one connection")
@pytest.mark.django_db(transaction=True)
def test_no_value_gets_in_twice_while_writers_under_both_roots_race_a_rotation(use_rings: UseRings) -> None:
    use_rings(indexes=OLD_LEADS)
    workers = [start(keep_adding, seed) for seed in range(2)]
    use_rings(indexes=ROOTS_BOTH)
    workers += [start(keep_adding, seed) for seed in (2, 3)]
    workers += [start(keep_rotating)]
    assert [end(worker) for worker in workers] == [0] * len(workers)
    there = Counter(member.email for member in Member.objects.all())
    assert len(there) > 20
    assert [value for value, times in there.items() if times > 1] == []
    assert rotate().left == 0
