"""The sealer: every event gets one place, once, and what was tampered with is not built on."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from apps.audit import bulk, sealing
from apps.audit.errors import Unsealable
from apps.audit.models import Checkpoint, Event, Leaf
from apps.audit.notes import Sealed
from apps.audit.tree import Tree
from tests.audit.merkle import root_of
from tests.audit.sealed import attack, happen, run, seal

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]


def entries() -> list[bytes]:
    return [bytes.fromhex(Event.objects.get(pk=leaf.event_id).digest) for leaf in Leaf.objects.order_by("position")]


def test_every_event_gets_a_place_and_the_root_over_their_digests_is_signed() -> None:
    happen(5)
    (sealed,) = seal()
    assert sealed.size == sealed.events == Event.objects.count()
    assert sealed.root == root_of(entries())
    checkpoint = Checkpoint.objects.get()
    assert Sealed.read(checkpoint.note) == sealed
    assert Tree.of(sealed.size, bytes(checkpoint.frontier)).root() == sealed.root
    assert list(Leaf.objects.order_by("position").values_list("position", flat=True)) == list(range(sealed.size))


def test_what_is_sealed_already_is_not_sealed_again() -> None:
    happen(3)
    seal()
    assert seal() == []
    happen(2)
    assert [sealed.events for sealed in seal()] == [2]
    assert Checkpoint.objects.count() == 2


def test_a_backlog_is_sealed_in_batches_each_with_its_own_checkpoint() -> None:
    before = Event.objects.count()
    happen(7)
    sizes = [sealed.size for sealed in seal(most=3)]
    assert sizes[-1] == before + 7
    assert all(later - earlier == 3 for earlier, later in pairwise(sizes[:-1]))
    assert sealing.last_checkpoint().size == before + 7  # type: ignore[union-attr]
    assert Sealed.read(Checkpoint.objects.latest("size").note).root == root_of(entries())


def test_an_event_that_is_committed_late_is_sealed_later() -> None:
    happen(2)
    seal()
    late = happen(1, ago=timedelta(minutes=30))[0]
    happen(1)
    assert [sealed.events for sealed in seal()] == [2]
    assert Leaf.objects.filter(event_id=late.pk).exists()


@pytest.mark.parametrize("ago", [timedelta(days=1), timedelta(days=-1)], ids=["past", "future"])
def test_an_event_out_of_its_time_is_not_sealed_unless_a_person_says_so(ago: timedelta) -> None:
    happen(2)
    seal()
    (forged,) = happen(1, ago=ago)
    assert seal() == []
    assert not Leaf.objects.filter(event_id=forged.pk).exists()
    (sealed,) = seal(late=True)
    assert (sealed.events, sealed.late) == (1, 1)


def test_a_late_seal_that_was_stopped_half_way_opens_the_past_to_nobody_else() -> None:
    happen(2)
    seal()
    happen(2, ago=timedelta(days=900))
    next(sealing.seal(late=True, most=1))  # stopped after its first batch
    (forged,) = happen(1, ago=timedelta(days=899))
    seal()
    assert not Leaf.objects.filter(event_id=forged.pk).exists()


def test_after_a_day_without_a_sealer_and_a_stop_half_way_nothing_is_too_late() -> None:
    happen(1, ago=timedelta(days=2))
    seal()
    checkpoint = Checkpoint.objects.get()
    assert datetime.fromisoformat(Sealed.read(checkpoint.note).through) > datetime.now(UTC) - timedelta(minutes=1)
    attack("DELETE FROM audit_checkpoint")
    attack("DELETE FROM audit_leaf")
    for hours in (30, 20, 10, 0):
        happen(1, ago=timedelta(hours=hours))
    next(sealing.seal(most=2))  # stopped after its first batch
    assert sum(sealed.events for sealed in seal()) == Event.objects.count() - 2


def test_a_clock_that_is_set_back_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    happen(2)
    seal()
    past = datetime.now(UTC) - timedelta(days=2)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return past

    monkeypatch.setattr(sealing, "datetime", Clock)
    happen(1, ago=timedelta(days=2))
    assert [sealed.events for sealed in seal()] == [1]
    monkeypatch.undo()
    happen(1)
    assert [sealed.events for sealed in seal()] == [1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE audit_checkpoint SET note = 'x'", "can't be built on: it is no signed note"),
        ("UPDATE audit_checkpoint SET size = size + 1", "can't be built on|not the one that was signed"),
        (
            "UPDATE audit_checkpoint SET frontier = (SELECT digest FROM audit_leaf WHERE position = 0)",
            "can't be built on|not the one",
        ),
    ],
)
def test_a_checkpoint_that_was_tampered_with_is_not_built_on(change: str, why: str) -> None:
    happen(4)
    seal()
    attack(change)
    happen(1)
    with pytest.raises(Unsealable, match=why):
        seal()


def test_a_leaf_that_no_seal_put_there_stops_the_next_seal() -> None:
    happen(2)
    seal()
    size = Leaf.objects.count()
    Leaf(position=size, event_id=UUID(int=7), digest=bytes(32)).save()
    happen(1)
    with pytest.raises(Unsealable, match="no seal put it there"):
        seal()
    assert Leaf.objects.count() == size + 1


def test_an_event_whose_digest_was_forged_before_it_was_sealed_is_sealed_by_what_it_says() -> None:
    (event,) = happen(1)
    attack("UPDATE audit_event SET digest = 'x', ip = '6.6.6.6'")
    seal()
    leaf = Leaf.objects.get(event_id=event.pk)
    assert bytes(leaf.digest).hex() == Event.objects.get(pk=event.pk).computed_digest() != event.digest


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite stores what no column could hold")
@pytest.mark.parametrize("value", ["7", "x'ff'", "CAST(x'ff' AS TEXT)"])
def test_no_value_in_a_row_makes_the_sealer_stumble(value: str) -> None:
    happen(1)
    attack(f"UPDATE audit_event SET ip = {value}")
    assert seal()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a full disk, by SQLite's own limit on pages")
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_leaves_nothing_half_sealed_on_sqlite() -> None:
    happen(2_000)
    run("PRAGMA max_page_count = 1")  # as many as there are: SQLite grants no less
    try:
        with pytest.raises(OperationalError, match="full"):
            seal()
        assert (Leaf.objects.count(), Checkpoint.objects.count()) == (0, 0)
    finally:
        run("PRAGMA max_page_count = 1073741823")
    assert sum(sealed.events for sealed in seal()) == Event.objects.count()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's is above")
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_leaves_nothing_half_sealed_on_postgresql() -> None:
    """The server's own error for it, raised where the checkpoint is written: behind all leaves."""
    happen(20)
    run(
        "CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$"
    )
    run("CREATE TRIGGER full_disk BEFORE INSERT ON audit_checkpoint EXECUTE FUNCTION fill_disk()")
    try:
        with pytest.raises(OperationalError, match="No space left"):
            seal()
        assert (Leaf.objects.count(), Checkpoint.objects.count()) == (0, 0)
    finally:
        run("DROP FUNCTION fill_disk() CASCADE")
    assert sum(sealed.events for sealed in seal()) == Event.objects.count()


def test_many_events_are_read_as_the_bytes_of_their_digest() -> None:
    event = happen(1)[0]
    (found,) = bulk.unsealed(connection.alias, event.pk, UUID(int=event.pk.int + 1), 10)
    assert found == (str(event.pk), bytes.fromhex(event.digest))
