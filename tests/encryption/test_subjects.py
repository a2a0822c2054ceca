"""Keys of persons: made once, stored with what they seal, kept for an hour, and destroyed for good."""

import io
import json
import threading
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.models import Event
from apps.encryption import rings, subjects
from apps.encryption.models import SubjectKey
from apps.encryption.subjects import keep, known, openers, seal, shred

WHO = "accounts.user:1"
durable = pytest.mark.django_db(transaction=True)


def stored(who: str = WHO) -> SubjectKey:
    key, _ = seal(who, b"x", b"")
    keep([key], "default")
    return key


def read(key: SubjectKey, cell: bytes, bound: bytes = b"") -> bytes | None:
    return openers([key.id])[key.id](cell, bound)


@pytest.mark.django_db
def test_what_was_sealed_opens_in_its_place_only() -> None:
    key, cell = seal(WHO, b"Ann", b"here")
    keep([key], "default")
    assert read(key, cell, b"here") == b"Ann"
    assert read(key, cell, b"there") is None
    other = stored("accounts.user:2")
    assert read(other, cell, b"here") is None
    assert set(known()) == {key.id.hex, other.id.hex}


@pytest.mark.django_db
def test_a_person_has_one_key_in_a_transaction_even_before_it_is_stored() -> None:
    first, _ = seal(WHO, b"x", b"")
    second, _ = seal(WHO, b"y", b"")
    assert first is second
    for _ in range(2):
        keep([first, second], "default")
    assert SubjectKey.objects.count() == 1


@durable
def test_once_it_is_committed_a_key_is_asked_for_once_in_an_hour(
    django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = stored().id
    for asked in (1, 0, 0):
        with django_assert_num_queries(asked):
            assert seal(WHO, b"x", b"")[0].id == key
    now = subjects.monotonic()
    monkeypatch.setattr(subjects, "monotonic", lambda: now + subjects.LONGEST_KEPT)
    with django_assert_num_queries(1):
        assert seal(WHO, b"x", b"")[0].id == key


@durable
def test_a_process_keeps_so_many_keys_and_no_more() -> None:
    assert subjects.stored_key.cache_info().maxsize == subjects.MOST_KEPT


@durable
def test_a_key_that_was_rolled_back_seals_nothing_later() -> None:
    with transaction.atomic():
        lost = stored().id
        transaction.set_rollback(True)
    assert stored().id != lost
    assert list(SubjectKey.objects.values_list("pk", flat=True)) == [seal(WHO, b"x", b"")[0].id]


@durable
def test_a_key_of_a_savepoint_that_was_undone_is_stored_again_with_what_it_seals_next() -> None:
    with transaction.atomic():
        with transaction.atomic():
            first = stored()
            transaction.set_rollback(True)
        second = stored()
        third = stored()
    assert second is third
    assert SubjectKey.objects.filter(pk=second.id).exists()
    keep([first], "default")  # an event that was made inside, and is written now
    assert SubjectKey.objects.filter(pk=first.id).exists()


@durable
def test_in_a_broken_transaction_a_key_is_made_without_asking() -> None:
    before = stored().id
    subjects.forget()
    with transaction.atomic():
        transaction.set_rollback(True)
        key, cell = seal(WHO, b"Ann", b"")
    keep([key], "default")
    assert key.id != before
    assert read(key, cell) == b"Ann"


@durable
def test_two_that_make_the_first_key_at_once_do_not_wait_for_each_other() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    made: list[UUID] = []

    def work() -> None:
        with transaction.atomic():
            made.append(stored().id)
        connection.close()

    with transaction.atomic():
        mine = stored().id
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert SubjectKey.objects.filter(subject=WHO).count() == 2
    assert made != [mine]


@durable
def test_threads_seal_at_once_with_keys_that_are_all_stored() -> None:
    def work() -> None:
        for number in range(30):
            key, cell = seal(f"accounts.user:{number % 3}", b"Ann", b"")
            keep([key], "default")
            if read(key, cell) != b"Ann":
                wrong.append(key)
        connection.close()

    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    wrong: list[SubjectKey] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@durable
def test_shredding_forgets_the_key_at_once_and_what_comes_later_gets_another() -> None:
    key = stored()
    assert shred(WHO) == [key.id.hex]
    assert openers([key.id]) == {}
    assert stored().id != key.id
    assert shred("accounts.user:2") == []


@durable
def test_what_can_not_be_told_is_not_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise OSError

    key = stored()
    monkeypatch.setattr(subjects.subject_shredded, "send", broken)
    with pytest.raises(OSError):  # noqa: PT011
        shred(WHO)
    assert list(known()) == [key.id.hex]


@pytest.mark.django_db
def test_a_row_that_was_deleted_names_nobody(owner: User) -> None:
    owner.delete()
    with pytest.raises(ValueError, match="as text"):
        shred(owner)


@pytest.mark.django_db
def test_each_key_that_is_destroyed_has_a_receipt() -> None:
    SubjectKey.objects.bulk_create(SubjectKey(subject=WHO, key=bytes(range(32))) for _ in range(3))
    ids = shred(WHO)
    events = Event.objects.filter(action="encryption.subject.shredded").order_by("id")
    assert [json.loads(event.details) for event in events] == [{"subject": WHO, "key": key} for key in ids]
    assert len(ids) == 3


@pytest.mark.django_db
def test_the_command_asks_tells_and_destroys(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    who, out = f"accounts.user:{owner.pk}", io.StringIO()
    count = SubjectKey.objects.filter(subject=who).count()
    assert count == 1
    call_command("encryption", "shred", who, "--dry-run", stdout=out)
    assert "Keys to destroy: 1." in out.getvalue()
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="Nothing was destroyed"):
        call_command("encryption", "shred", who)
    assert SubjectKey.objects.filter(subject=who).count() == 1
    call_command("encryption", "shred", who, "--yes", stdout=out)
    assert "Keys destroyed: 1." in out.getvalue()
    assert not SubjectKey.objects.filter(subject=who).exists()
    with pytest.raises(CommandError, match="no key here"):
        call_command("encryption", "shred", who, "--yes")


@pytest.mark.django_db
def test_in_a_closed_shell_nothing_is_read_and_what_is_done_is_told() -> None:
    key, cell = seal(WHO, b"Ann", b"")
    keep([key], "default")
    subjects.forget()
    rings.lock(closed=True)
    try:
        assert read(key, cell) is None
        assert stored("accounts.user:2").key
        assert rings.locked
    finally:
        rings.lock(closed=False)


@pytest.mark.django_db
def test_a_rotation_of_the_data_keys_reseals_them() -> None:
    key, cell = seal(WHO, b"Ann", b"")
    keep([key], "default")
    before = bytes(SubjectKey.objects.values_list("key", flat=True)[0].cell)
    out = io.StringIO()
    call_command("encryption", "rotate", "encryption.SubjectKey", "--anew", stdout=out)
    assert bytes(SubjectKey.objects.values_list("key", flat=True)[0].cell) != before
    assert read(key, cell) == b"Ann"
