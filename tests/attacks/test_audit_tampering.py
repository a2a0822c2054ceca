"""The owner of the database, who may drop triggers and put them back, rewrites the log. `verify` names what he did."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import override_settings

from apps.audit.models import Archive, Checkpoint, Event, Leaf
from apps.audit.notes import Sealed, signed
from apps.audit.tree import Tree, leaf_hash
from apps.audit.verification import Finding, verify
from tests.audit.sealed import attack, happen, run, seal, stored
from tests.audit.test_notes import PETERS_SEED, ring

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2", "16.4.3")]


@pytest.fixture
def log() -> list[Event]:
    """Three sealed periods of four events, which verify."""
    happen(1)
    seal()
    events = []
    for _ in range(3):
        events += happen(4)
        seal()
    assert verify().findings == []
    return events


def found(**options: Any) -> list[tuple[str, str]]:
    report = verify(**options)
    assert report.count == len(report.findings)
    return [(finding.kind, finding.where) for finding in report.findings]


def kinds(**options: Any) -> set[str]:
    return {kind for kind, _ in found(**options)}


def on(event: Event, change: str) -> None:
    attack(f"UPDATE audit_event SET {change} WHERE id = %s", (stored(event.pk),))


def redigested(event: Event) -> Event:
    """He computes the digest again, as anybody can."""
    now = Event.objects.get(pk=event.pk)
    on(now, f"digest = '{now.computed_digest()}'")
    return now


@pytest.mark.parametrize("column", [name for name in Event.COLUMNS if name not in ("id", "schema")])
@pytest.mark.parametrize("again", [False, True], ids=["careless", "with a new digest"])
def test_an_edit_of_any_column_is_found(column: str, again: bool, log: list[Event]) -> None:
    on(log[5], f"{column} = 'x'")
    if again:
        redigested(log[5])
    assert found() == [("event changed", str(log[5].pk))]


def test_an_edit_of_the_schema_is_found(log: list[Event]) -> None:
    on(log[5], "schema = 2")
    assert found() == [("event changed", str(log[5].pk))]


def test_an_edit_of_the_digest_alone_is_found(log: list[Event]) -> None:
    on(log[5], f"digest = '{'0' * 64}'")
    assert found() == [("event changed", str(log[5].pk))]


def test_a_change_of_the_id_is_a_missing_event_and_one_too_many(log: list[Event]) -> None:
    moved = UUID(int=log[5].pk.int - (timedelta(days=9) // timedelta(milliseconds=1) << 80))
    on(log[5], f"id = '{stored(moved)}'")
    assert found() == [("event missing", str(log[5].pk)), ("event inserted", str(moved))]


def test_a_deleted_event_is_found(log: list[Event]) -> None:
    attack("DELETE FROM audit_event WHERE id = %s", (stored(log[5].pk),))
    assert found() == [("event missing", str(log[5].pk))]


def test_deleted_with_its_leaf_the_place_is_named(log: list[Event]) -> None:
    position = Leaf.objects.get(event_id=log[5].pk).position
    attack("DELETE FROM audit_event WHERE id = %s", (stored(log[5].pk),))
    attack("DELETE FROM audit_leaf WHERE position = %s", (position,))
    assert found() == [("leaf missing", f"{position} to {position}")]


def test_a_deleted_period_is_found_and_the_others_still_verify(log: list[Event]) -> None:
    ids = ", ".join(f"'{stored(event.pk)}'" for event in log[4:8])
    attack(f"DELETE FROM audit_event WHERE id IN ({ids})")
    assert found() == [("event missing", str(event.pk)) for event in log[4:8]]
    attack(f"DELETE FROM audit_leaf WHERE event_id IN ({ids})")
    first = Checkpoint.objects.order_by("size")[1].size
    assert found() == [("leaf missing", f"{first} to {first + 3}")]
    attack("DELETE FROM audit_checkpoint WHERE size = %s", (first + 4,))
    assert ("checkpoint missing", str(first + 4)) in found()


def cut_the_tail() -> str:
    """All of the last period, without trace in the database. Returns the checkpoint that a witness has kept."""
    kept = Checkpoint.objects.latest("size")
    size = Checkpoint.objects.order_by("-size")[1].size
    ids = [stored(leaf.event_id) for leaf in Leaf.objects.filter(position__gte=size)]
    for key in ids:
        attack("DELETE FROM audit_event WHERE id = %s", (key,))
    attack("DELETE FROM audit_leaf WHERE position >= %s", (size,))
    attack("DELETE FROM audit_checkpoint WHERE size > %s", (size,))
    return kept.note


def test_a_cut_tail_is_found_by_a_checkpoint_that_was_kept_elsewhere(log: list[Event]) -> None:
    kept = cut_the_tail()
    assert found() == []  # nothing here knows better: this is what witnesses are for
    assert found(against=[kept]) == [("log cut", f"checkpoint {Sealed.read(kept).size}")]


def test_an_old_dump_that_was_restored_and_written_on_is_found_by_it_too(log: list[Event]) -> None:
    kept = cut_the_tail()
    happen(9)
    seal()
    assert found() == []
    assert found(against=[kept]) == [("checkpoint missing", f"checkpoint {Sealed.read(kept).size}")]


def test_and_when_the_new_end_is_as_long_as_the_old(log: list[Event]) -> None:
    kept = cut_the_tail()
    happen(4)
    seal()
    assert found(against=[kept]) == [("root differs", f"checkpoint {Sealed.read(kept).size}")]


def test_a_forged_row_of_the_past_is_found_and_not_sealed(log: list[Event]) -> None:
    (forged,) = happen(1, ago=timedelta(days=30))
    assert forged.is_intact
    seal()
    assert found() == [("event inserted", str(forged.pk))]


def test_a_row_that_waits_too_long_is_found(log: list[Event]) -> None:
    (late,) = happen(1, ago=timedelta(minutes=30))
    assert found() == [("unsealed", str(late.pk))]


def swap(column: str, one: Event, other: Event) -> None:
    left, right = (Event.objects.get(pk=event.pk) for event in (one, other))
    on(one, f"{column} = '{getattr(right, column)}'")
    on(other, f"{column} = '{getattr(left, column)}'")


def test_two_rows_that_changed_places_are_found(log: list[Event]) -> None:
    for column in ("details", "digest"):
        swap(column, log[4], log[6])
    assert found() == [("event changed", str(log[4].pk)), ("event changed", str(log[6].pk))]


def test_a_row_moved_to_another_time_is_found(log: list[Event]) -> None:
    on(log[5], "occurred_at = '2020-01-01T00:00:00.000Z'")
    redigested(log[5])
    assert found() == [("event changed", str(log[5].pk))]


def rewrite_and_seal_again(log: list[Event]) -> None:
    """Event, digest, leaf, frontier and root: everything but the signature, for which he has no key."""
    on(log[5], "ip = '6.6.6.6'")
    digest = bytes.fromhex(redigested(log[5]).computed_digest())
    attack("UPDATE audit_leaf SET digest = %s WHERE event_id = %s", (digest, stored(log[5].pk)))


def test_a_row_rewritten_with_its_leaf_is_found_by_the_root(log: list[Event]) -> None:
    rewrite_and_seal_again(log)
    position = Checkpoint.objects.order_by("size")[1].size
    assert found() == [("root differs", f"{position} to {position + 3}")]


@pytest.mark.parametrize("how", ["with a key of his own", "without a key"])
def test_sealed_again_without_the_key_it_is_found_by_the_signatures(how: str, log: list[Event]) -> None:
    rewrite_and_seal_again(log)
    tree = Tree()
    rows = {leaf.position + 1: bytes(leaf.digest) for leaf in Leaf.objects.order_by("position")}
    checkpoints = {row.size: row.note for row in Checkpoint.objects.all()}
    for size, digest in rows.items():
        tree.append(leaf_hash(digest))
        if size in checkpoints:
            told = Sealed.read(checkpoints[size])
            text = Sealed(size, tree.root(), told.time, told.through, told.events).text()
            with override_settings(AUDIT_SIGNING_KEYS=ring(PETERS_SEED)):
                forged = signed(text) if how == "with a key of his own" else text
            attack("UPDATE audit_checkpoint SET note = %s WHERE size = %s", (forged, size))
            attack("UPDATE audit_checkpoint SET frontier = %s WHERE size = %s", (tree.packed(), size))
    assert found() == [("note refused", f"checkpoint {size}") for size in sorted(checkpoints)]


def leaf_swap(log: list[Event]) -> None:
    one, other = (Leaf.objects.get(event_id=event.pk) for event in (log[4], log[6]))
    attack("UPDATE audit_leaf SET event_id = %s WHERE position = %s", (stored(UUID(int=1)), one.position))
    for to, of in ((other, one), (one, other)):
        attack(
            "UPDATE audit_leaf SET event_id = %s, digest = %s WHERE position = %s",
            (stored(of.event_id), bytes(of.digest), to.position),
        )


def leaf_insert(log: list[Event]) -> None:
    Leaf(position=Leaf.objects.count(), event_id=UUID(int=7), digest=bytes(32)).save()


def second() -> int:
    return Checkpoint.objects.order_by("size")[1].size


def bad_frontier(log: list[Event]) -> None:
    attack("UPDATE audit_checkpoint SET frontier = %s WHERE size = %s", (bytes(32), second()))


def foreign_note(log: list[Event]) -> None:
    note = Checkpoint.objects.latest("size").note
    attack("UPDATE audit_checkpoint SET note = %s WHERE size = %s", (note, second()))


def endless_checkpoint(log: list[Event]) -> None:
    """Inserted, as the site's own role may, so that verifying never comes to its end."""
    Checkpoint(size=2**62, note="x", frontier=b"").save()


def drop_a_trigger(log: list[Event]) -> None:
    on_table = " ON audit_event" if connection.vendor == "postgresql" else ""
    name = "append_only_rows" if on_table else "audit_event_append_only_delete"
    run(f"DROP TRIGGER {name}{on_table}")


def unsigned_excuse(log: list[Event]) -> None:
    Archive(begin=0, end=5, note="testserver/audit/archive\n0\n5\n").save()


OTHERS: dict[Callable[[list[Event]], None], set[str]] = {
    leaf_swap: {"root differs"},
    leaf_insert: {"leaf inserted"},
    bad_frontier: {"root differs"},
    foreign_note: {"note refused"},
    endless_checkpoint: {"leaf missing", "note refused"},
    drop_a_trigger: {"unguarded"},
    unsigned_excuse: {"note refused"},
}


@pytest.mark.parametrize("way", OTHERS, ids=lambda way: way.__name__)
def test_whatever_else_he_does_to_the_seals_is_found(way: Callable[[list[Event]], None], log: list[Event]) -> None:
    way(log)
    assert kinds() == OTHERS[way]


def test_a_trigger_that_was_dropped_and_put_back_hides_no_edit(log: list[Event]) -> None:
    drop_a_trigger(log)
    attack("UPDATE audit_event SET reason = 'forged' WHERE id = %s", (stored(log[0].pk),))
    assert found() == [("event changed", str(log[0].pk))]


def test_a_kept_checkpoint_is_compared_though_the_one_here_was_made_unreadable(log: list[Event]) -> None:
    """And though that one is of a time which is not verified again."""
    size = second()
    kept = Checkpoint.objects.get(size=size).note
    attack("UPDATE audit_checkpoint SET note = 'x' WHERE size = %s", (size,))
    since = datetime.now(UTC) + timedelta(days=1)
    assert found(since=since, against=[kept]) == [("root differs", f"checkpoint {size}")]


def test_a_checkpoint_of_another_log_or_a_changed_one_is_no_proof(log: list[Event]) -> None:
    size, note = Checkpoint.objects.values_list("size", "note").latest("size")
    assert kinds(against=[note.replace(f"\n{size}\n", f"\n{size - 1}\n")]) == {"note refused"}
    with override_settings(AUDIT_ORIGIN="elsewhere/audit"):
        other = signed(Sealed(13, bytes(32), "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 13).text())
    assert kinds(against=[other]) == {"note refused"}
    assert kinds(against=[note]) == set()


def test_ten_thousand_wrong_rows_are_counted_and_a_thousand_named() -> None:
    happen(1_100)
    seal()
    attack("UPDATE audit_event SET reason = 'forged'")
    report = verify()
    assert report.count > 1_000 == len(report.findings)
    assert isinstance(report.findings[0], Finding)
