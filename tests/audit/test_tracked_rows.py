"""Every way in which Django writes one row of a tracked model is one event, with what changed and nothing else."""

import json
import pickle  # noqa: TID251 - what caches and queues of Django do with an instance is what is tested
from typing import Any

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import F

from apps.audit import api
from apps.audit.errors import NotRecorded, UnknownAction
from apps.audit.models import Event
from tests.audit.events import told
from tests.testapp.models import Author, Book, BookProxy, Memo, Picture, Printed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_from_outside")]


def verbs() -> list[str]:
    return [event.action.removeprefix("testapp.") for event in told()]


def changes() -> Any:
    """Of the last event."""
    return json.loads(told().reverse()[0].changes)


@pytest.fixture
def book() -> Book:
    """Loaded, as a view does; its creation is no event of the test."""
    made = Book.objects.untracked(reason="the test starts here").bulk_create([Book(title="Emma", pages=474)])[0]
    from apps.audit.triggers import lifted

    connection.check_constraints()  # what watches for changes from outside has seen the event that goes now
    with lifted(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")
    return Book.objects.get(pk=made.pk)


def test_a_created_row_tells_what_it_holds() -> None:
    Book.objects.create(title="Emma", pages=474, isbn="978-0", draft="unseen")
    assert verbs() == ["book.created"]
    assert changes() == {"title": [None, "Emma"], "pages": [None, 474], "extra": [None, {}], "isbn": "changed"}


def test_a_saved_row_tells_what_changed(book: Book) -> None:
    book.title, book.draft = "Persuasion", "a draft"
    book.save()
    assert verbs() == ["book.changed"]
    assert changes() == {"title": ["Emma", "Persuasion"]}
    event = told().get()
    assert (event.target_type, event.target_id, event.target_label) == ("testapp.book", str(book.pk), "Persuasion")
    assert event.is_intact


def test_saving_what_did_not_change_is_no_event(book: Book) -> None:
    book.save()
    book.pages = "474"  # type: ignore[assignment]  # as a form without a clean value would
    book.save()
    assert verbs() == []


def test_a_change_costs_one_update_and_one_insert(book: Book, django_assert_num_queries: Any) -> None:
    book.title = "Persuasion"
    with django_assert_num_queries(2):
        book.save()


def test_a_second_save_tells_the_second_change_only(book: Book) -> None:
    for title in ("Persuasion", "Lady Susan"):
        book.title = title
        book.save()
    assert changes() == {"title": ["Persuasion", "Lady Susan"]}


def test_update_fields_tells_only_of_what_is_written_and_the_rest_later(book: Book) -> None:
    book.title, book.pages = "Persuasion", 250
    book.save(update_fields=["title"])
    assert changes() == {"title": ["Emma", "Persuasion"]}
    book.save()
    assert changes() == {"pages": [474, 250]}


def test_the_value_of_an_expression_is_told_as_the_database_made_it(book: Book) -> None:
    book.pages = F("pages") + 1  # type: ignore[assignment]
    book.save()
    assert changes() == {"pages": [474, 475]}


def test_a_deferred_field_that_is_assigned_is_read_before_it_is_lost(book: Book) -> None:
    deferred = Book.objects.only("pages").get()
    deferred.title = "Persuasion"
    deferred.save()
    assert changes() == {"title": ["Emma", "Persuasion"]}


def test_a_deferred_field_that_was_loaded_later_is_known(book: Book, django_assert_num_queries: Any) -> None:
    deferred = Book.objects.defer("title").get()
    deferred.title += "!"
    with django_assert_num_queries(2):
        deferred.save()
    assert changes() == {"title": ["Emma", "Emma!"]}


def test_refreshing_takes_the_rows_state_anew(book: Book) -> None:
    Book.objects.filter(pk=book.pk).update(title="Persuasion")
    book.refresh_from_db()
    book.save()
    assert verbs() == ["book.changed"]
    book.title, book.pages = "Lady Susan", 1
    book.refresh_from_db(fields=["title"])
    book.save()
    assert changes() == {"pages": [474, 1]}


def test_a_row_saved_by_its_key_alone_is_compared_with_what_was_there(book: Book) -> None:
    Book(pk=book.pk, title="Persuasion", pages=474).save()
    assert changes() == {"title": ["Emma", "Persuasion"]}


def test_an_instance_with_another_key_is_compared_with_the_row_that_it_overwrites(book: Book) -> None:
    other = Book.objects.create(title="Other", pages=1)
    book.pk = other.pk
    book.save()
    assert changes() == {"title": ["Other", "Emma"], "pages": [1, 474]}


def test_a_copied_instance_is_a_new_row(book: Book) -> None:
    book.pk, book._state.adding = None, True
    book.save()
    assert verbs() == ["book.created"]


def test_what_changes_inside_of_a_value_is_seen(book: Book) -> None:
    book.extra["shelf"] = 3
    book.save()
    assert changes() == {"extra": [{}, {"shelf": 3}]}


def test_a_sensitive_value_is_told_as_changed_and_a_password_without_being_asked(book: Book) -> None:
    book.isbn = "978-0"
    book.save()
    assert changes() == {"isbn": "changed"}
    Author.objects.create(name="Jane", password="hunter2")
    assert changes() == {"name": [None, "Jane"], "password": "changed"}
    assert "hunter2" not in str(Event.objects.values_list())


@pytest.mark.asvs("16.2.5")
def test_an_encrypted_value_is_never_opened_to_be_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    Memo.objects.create(title="a", text="hunter2", facts={"pin": 1})
    assert changes() == {"title": [None, "a"], "text": "changed", "facts": "changed"}
    monkeypatch.setattr("apps.encryption.fields.Encrypted.open", lambda *_: pytest.fail("opened"))
    note = Memo.objects.get()
    note.save()
    note.refresh_from_db()
    note.save()
    assert verbs() == ["memo.created"]
    note.text = "hunter3"
    note.save()
    assert changes() == {"text": "changed"}
    note.delete()
    assert "hunter" not in str(Event.objects.values_list())


def test_get_or_create_and_update_or_create_tell_of_what_they_did() -> None:
    Book.objects.get_or_create(title="Emma", defaults={"pages": 1})
    Book.objects.get_or_create(title="Emma", defaults={"pages": 2})
    Book.objects.update_or_create(title="Emma", defaults={"pages": 3})
    Book.objects.update_or_create(title="Emma", defaults={"pages": 3})
    Book.objects.update_or_create(title="Sanditon", defaults={"pages": 4})
    assert verbs() == ["book.created", "book.changed", "book.created"]


def test_a_deleted_row_tells_what_it_held(book: Book) -> None:
    key = book.pk
    book.delete()
    assert verbs() == ["book.deleted"]
    assert changes()["title"] == ["Emma", None]
    assert told().get().target_id == str(key)


def test_what_goes_with_a_deleted_row_is_told_of_too(book: Book) -> None:
    author = Author.objects.create(name="Jane")
    book.editor = author
    book.save()
    author.delete()
    assert set(verbs()[-2:]) == {"author.deleted", "book.deleted"}


def test_a_reference_that_is_emptied_by_a_deletion_is_a_change(book: Book) -> None:
    author = Author.objects.create(name="Jane")
    Book.objects.filter(pk=book.pk).update(author=author)
    key = author.pk
    author.delete()
    assert set(verbs()[-2:]) == {"author.deleted", "book.changed"}
    assert {"author": [key, None]} in [json.loads(event.changes) for event in told()]


def test_a_proxy_is_the_model_that_it_stands_for(book: Book) -> None:
    proxy = BookProxy.objects.get()
    proxy.title = "Persuasion"
    proxy.save()
    proxy.delete()
    assert verbs() == ["book.changed", "book.deleted"]
    assert set(told().values_list("target_type", flat=True)) == {"testapp.book"}


def test_a_row_in_two_tables_is_one_thing_that_is_changed() -> None:
    Printed.objects.create(title="Emma", run=500)
    printed = Printed.objects.get()
    printed.title, printed.run = "Persuasion", 600
    printed.save()
    assert verbs() == ["printed.created", "printed.changed"]
    assert changes() == {"title": ["Emma", "Persuasion"], "run": [500, 600]}
    printed.delete()
    assert set(verbs()[2:]) == {"printed.deleted", "book.deleted"}


def test_a_fixture_that_is_loaded_is_told_of(book: Book) -> None:
    printed = Printed(title="Sanditon", run=5)
    printed.save_base()
    dump = serializers.serialize("json", [*Book.objects.order_by("pk"), *Printed.objects.order_by("pk")])
    Printed.objects.all().delete()
    Book.objects.filter(pk=book.pk).update(title="Persuasion")
    told_before = told().count()
    for loaded in serializers.deserialize("json", dump):
        loaded.save()
    assert verbs()[told_before:] == ["book.changed", "book.created", "printed.created"]
    assert changes() == {"run": [None, 5]}


def test_a_file_is_told_by_its_name(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    picture = Picture.objects.create(file=ContentFile(b"x", "cat.png"))
    assert changes() == {"file": [None, "pictures/cat.png"]}
    Picture.objects.get().save()
    picture.save()
    assert verbs() == ["picture.created"]


def test_a_loaded_instance_can_be_pickled(book: Book) -> None:
    Book.objects.filter(pk=book.pk).update(cover=b"cover")
    copy = pickle.loads(pickle.dumps(Book.objects.get()))
    copy.title = "Persuasion"
    copy.save()
    assert changes() == {"title": ["Emma", "Persuasion"]}


def test_looking_is_told_of_where_the_model_says_so(book: Book) -> None:
    author = Author.objects.create(name="Jane")
    assert api.viewed(author, page="shop") is author
    assert (verbs()[-1], told().reverse()[0].details) == ("author.viewed", '{"page":"shop"}')
    with pytest.raises(UnknownAction), transaction.atomic():
        api.viewed(book)


@pytest.mark.django_db(transaction=True)
@pytest.mark.asvs("16.5.3")
def test_without_a_transaction_around_it_a_change_and_its_event_still_commit_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = Book.objects.create(title="Emma")

    def disk_full(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("apps.audit.writing.insertion", disk_full)
    book.title = "Persuasion"
    for act in (book.save, book.delete, lambda: Book.objects.update(title="x"), lambda: Book.objects.all().delete()):
        with pytest.raises(NotRecorded):
            act()
    assert Book.objects.get().title == "Emma"


def test_a_document_that_is_nested_deep_is_saved_and_told_of_by_its_digest(book: Book) -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"in": deep}
    book.extra = deep
    book.save()
    assert Book.objects.get().extra == deep
    (event,) = Event.objects.filter(action="testapp.book.changed")
    assert '{"cut":"","length":' in event.changes
    assert event.is_intact
