"""Bulk writes of tracked models and their relations: each row that changes has its event, or one event says why not."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from apps.audit import api, writing
from apps.audit.live import committed
from apps.audit.models import Event
from tests.audit.events import told
from tests.testapp.models import Author, Book, Label, Memo

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_from_outside")]


@pytest.fixture
def books() -> list[Book]:
    return Book.objects.bulk_create([Book(title=f"Book {number}", pages=number) for number in range(3)])


def since(count: int) -> list[tuple[str, str, Any]]:
    """Verb, target and changes of each event after the first `count`."""
    return [
        (event.action.removeprefix("testapp."), event.target_label, json.loads(event.changes))
        for event in told()[count:]
    ]


def test_rows_created_in_bulk_have_an_event_each_in_one_insert(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(2):
        books = Book.objects.bulk_create([Book(title=f"Book {number}") for number in range(3)])
    assert [(verb, label) for verb, label, _ in since(0)] == [("book.created", f"Book {number}") for number in range(3)]
    assert [event.target_id for event in told()] == [str(book.pk) for book in books]
    books[0].save()
    assert told().count() == 3


def test_an_update_tells_of_each_row_that_it_changes(books: list[Book], django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(3):  # the rows as they were, the UPDATE, one INSERT
        assert Book.objects.filter(pages__gt=0).update(pages=2, draft="x") == 2
    assert since(3) == [("book.changed", "Book 1", {"pages": [1, 2]})]


def test_an_update_by_an_expression_tells_what_the_database_made_of_it(books: list[Book]) -> None:
    Book.objects.update(pages=F("pages") * 2, title=Concat("title", Value("!")))
    assert since(3) == [
        ("book.changed", "Book 0", {"title": ["Book 0", "Book 0!"]}),
        ("book.changed", "Book 1", {"title": ["Book 1", "Book 1!"], "pages": [1, 2]}),
        ("book.changed", "Book 2", {"title": ["Book 2", "Book 2!"], "pages": [2, 4]}),
    ]


def test_an_update_of_what_is_not_tracked_costs_nothing(books: list[Book], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Book.objects.update(draft="x")
    assert since(3) == []


def test_an_update_of_a_reference_takes_a_row_or_its_key(books: list[Book]) -> None:
    author = Author.objects.create(name="Jane")
    Book.objects.filter(title="Book 0").update(author=author)
    Book.objects.filter(title="Book 0").update(author_id=author.pk)
    Book.objects.filter(title="Book 0").update(author=None)
    assert [changes for _, _, changes in since(4)] == [{"author": [None, author.pk]}, {"author": [author.pk, None]}]


def test_an_update_through_a_relation_writes_the_rows_that_were_read(books: list[Book]) -> None:
    label = Label.objects.create(name="old")
    books[1].labels.add(label)
    assert Book.objects.filter(labels__name="old").distinct().update(pages=9) == 1
    assert since(4) == [("book.changed", "Book 1", {"pages": [1, 9]})]


def test_rows_added_by_their_parent_are_told_of(books: list[Book]) -> None:
    author = Author.objects.create(name="Jane")
    author.books.add(*books[:2])
    author.books.clear()
    changes = [changes["author"] for _, _, changes in since(4)]
    assert changes == [[None, author.pk]] * 2 + [[author.pk, None]] * 2


def test_bulk_update_tells_of_each_row_and_once(books: list[Book]) -> None:
    for book in books:
        book.pages += 10
    books[0].pages = 0
    Book.objects.bulk_update(books, ["pages"])
    assert [changes for _, _, changes in since(3)] == [{"pages": [1, 11]}, {"pages": [2, 12]}]
    books[2].save()
    assert told().count() == 5


def test_bulk_update_of_encrypted_fields_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Memo.objects.bulk_create([Memo(title="a", text="hunter2"), Memo(title="b", text="hunter3")])
    notes[0].text = "hunter4"
    monkeypatch.setattr("apps.encryption.fields.Encrypted.open", lambda *_: pytest.fail("opened"))
    Memo.objects.bulk_update(notes, ["text", "title"])
    assert since(2) == [("memo.changed", "a", {"text": "changed"})]


def test_a_deletion_in_bulk_tells_of_each_row_in_one_insert(books: list[Book], django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(5):  # read, also Printed; delete labels and rows; INSERT
        Book.objects.filter(pages__gt=0).delete()
    assert [(verb, label) for verb, label, _ in since(3)] == [("book.deleted", "Book 1"), ("book.deleted", "Book 2")]


def test_above_the_bound_one_event_tells_of_all_rows_without_the_values_asked_for(
    books: list[Book], settings: Any
) -> None:
    settings.AUDIT_BULK_MAX = 2
    assert Book.objects.filter(title__startswith="Book", pages__lt=3).exclude(pk=0).update(isbn="978", pages=7) == 3
    ((verb, label, changes),) = since(3)
    assert (verb, label) == ("book.changed", "books")
    assert changes == {"pages": "changed", "isbn": "changed"}
    event = told().reverse()[0]
    assert json.loads(event.details) == {"rows": 3, "where": ["id__exact", "pages__lt", "title__startswith"]}
    assert (event.target_type, event.target_id) == ("testapp.book", "")
    assert event.sentence == "system:pytest changed books" or event.sentence.endswith("changed books")


@pytest.mark.parametrize(
    ("write", "verb", "rows"),
    [
        (lambda rows: rows.update(pages=7), "book.changed", 3),
        (lambda rows: rows.delete(), "book.deleted", 3),
        (lambda rows: rows.bulk_create([Book(title="x"), Book(title="y")]), "book.created", 2),
    ],
)
def test_untracked_writes_are_one_event_that_says_why(books: list[Book], write: Any, verb: str, rows: int) -> None:
    write(Book.objects.untracked(reason="nightly import"))
    ((told_verb, label, _),) = since(3)
    event = told().reverse()[0]
    assert (told_verb, label, event.reason) == (verb, "books", "nightly import")
    assert json.loads(event.details)["rows"] == rows


def test_untracked_stays_with_the_queryset_and_with_no_other(books: list[Book]) -> None:
    Book.objects.untracked(reason="nightly").filter(pages=1).order_by("title").update(pages=5)
    Book.objects.filter(pages=2).update(pages=6)
    assert [label for _, label, _ in since(3)] == ["books", "Book 2"]


def test_untracked_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="Say why"):
        Book.objects.untracked(reason=" ")


def test_rows_of_which_the_database_does_not_say_what_became_are_one_event(books: list[Book]) -> None:
    Book.objects.bulk_create([Book(pk=books[0].pk, title="again")], ignore_conflicts=True)
    ((verb, label, _),) = since(3)
    assert (verb, label) == ("book.created", "books")


def test_a_bulk_write_that_fails_leaves_no_event(books: list[Book]) -> None:
    def write_and_fail() -> None:
        with transaction.atomic():
            Book.objects.update(pages=7)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert since(3) == []


def test_labels_added_taken_and_cleared_are_told_from_both_sides(books: list[Book]) -> None:
    red, blue = (Label.objects.create(name=name) for name in ("red", "blue"))
    told_red, told_blue = f"testapp.label:{red.pk}", f"testapp.label:{blue.pk}"
    book = books[0]
    book.labels.add(red, blue)
    book.labels.add(red)
    book.labels.remove(blue)
    book.labels.remove(blue)
    book.labels.set([blue])
    red.books.set(books[1:])
    blue.books.clear()
    red.delete()
    assert [(label, changes["labels"]) for _, label, changes in since(3)] == [
        ("Book 0", [[], [told_red, told_blue]]),
        ("Book 0", [[told_blue], []]),
        ("Book 0", [[told_red], []]),
        ("Book 0", [[], [told_blue]]),
        ("Book 1", [[], [told_red]]),
        ("Book 2", [[], [told_red]]),
        ("Book 0", [[told_blue], []]),
        ("Book 1", [[told_red], []]),
        ("Book 2", [[told_red], []]),
    ]


def test_the_asynchronous_ways_are_the_same() -> None:
    async def write() -> None:
        book = await Book.objects.acreate(title="Emma")
        await Book.objects.aupdate(pages=3)
        book.pages = 4
        await book.asave()
        await Book.objects.all().adelete()

    async_to_sync(write)()
    assert [verb for verb, _, _ in since(0)] == ["book.created", "book.changed", "book.changed", "book.deleted"]


def test_events_of_a_bulk_write_are_told_of_once_it_is_committed(django_capture_on_commit_callbacks: Any) -> None:
    """Whoever counts or forwards events hears of these too."""
    heard: list[str] = []

    def hear(events: list[Event], **_: Any) -> None:
        heard.extend(event.target_label for event in events)

    committed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            Book.objects.bulk_create([Book(title="First"), Book(title="Second")])
            assert heard == []
    finally:
        committed.disconnect(hear)
    assert heard == ["First", "Second"]


@pytest.mark.parametrize("number", [0, 4, 5])
def test_many_events_reach_the_log_in_batches_and_none_in_none(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BATCH", 2)
    with transaction.atomic(), writing.together():
        for each in range(number):
            api.record("testapp.thing.changed", number=each)
    found = Event.objects.filter(action="testapp.thing.changed").order_by("id")
    assert [event.is_intact for event in found] == [True] * number
