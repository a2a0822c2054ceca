"""No two rows have equal values of a UniqueSealed field: in forms, by any writer, and while a root is replaced."""

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django import forms
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.writer import MigrationWriter
from django.test.utils import isolate_apps

from apps.encryption import constraints
from apps.encryption.constraints import UniqueSealed
from apps.encryption.fields import Encrypted
from apps.encryption.search import Exact
from tests.encryption.conftest import NEW, OLD, entry, ring
from tests.encryption.test_fields import raw
from tests.testapp.models import Member

BEFORE = ring(k0000000a=entry(material=OLD, number=1), k0000000b=entry("decrypt-only", material=NEW, number=2))
AFTER = ring(k0000000a=entry("decrypt-only", material=OLD, number=1), k0000000b=entry(material=NEW, number=2))


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Member
        fields = ("email", "city")


class CityForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    class Meta:
        model = Member
        fields = ("city",)


@pytest.fixture
def ada(db: None) -> Member:
    return Member.objects.create(email="ada@example.org")


def test_the_database_refuses_a_second_row_whatever_its_case(ada: Member) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.create(email="ADA@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.bulk_create([Member(email="a@example.org"), Member(email="A@example.org")])
    assert Member.objects.get_or_create(email="Ada@Example.org") == (ada, False)
    Member.objects.create(email=None)
    Member.objects.create(email=None)
    assert Member.objects.count() == 3


def test_a_form_says_it_at_the_field_and_lets_the_row_keep_its_own_value(ada: Member) -> None:
    form = MemberForm({"email": "ADA@example.org", "city": ""})
    assert form.errors == {"email": ["Member with this E-mail already exists."]}
    assert MemberForm({"email": "Ada@example.org", "city": "Bern"}, instance=ada).is_valid()
    assert MemberForm({"email": "", "city": ""}).is_valid()
    assert CityForm({"city": "Bern"}, instance=Member(email="ada@example.org")).is_valid()  # not in the form


def test_a_migration_holds_it_by_its_field() -> None:
    text, imports = MigrationWriter.serialize(UniqueSealed("email", name="member_email"))
    assert text == "apps.encryption.constraints.UniqueSealed('email', name='member_email')"
    assert imports == {"import apps.encryption.constraints"}
    constraint = UniqueSealed("email", name="n")
    assert constraint.clone() == constraint != UniqueSealed("city", name="n")


@isolate_apps("tests.testapp")
def test_a_field_without_whole_tags_can_not_be_unique() -> None:
    class Note(models.Model):
        plain = models.TextField()
        blind = Encrypted(models.TextField(), bind=None)
        short = Encrypted(models.TextField(), bind=None, search=Exact(bits=8))

        class Meta:
            app_label = "testapp"
            constraints = tuple(UniqueSealed(name, name=name) for name in ("plain", "blind", "short", "nothing"))

        def __str__(self) -> str:
            return ""

    found = [message.id for message in Note.check(databases=["default"])]
    assert found == ["encryption.E008"] * 4
    assert Member.check(databases=["default"]) == []


def test_while_two_roots_live_each_way_of_writing_asks_for_both_tags(ada: Member, use_rings: Any) -> None:
    use_rings(indexes=BEFORE)
    old = Member.objects.create(email="old@example.org")
    use_rings(indexes=AFTER)
    ben = Member.objects.create(email="ben@example.org")
    assert [bytes(raw(member, "email"))[1] & 0x10 for member in (old, ben)] == [0x10, 0]
    ben.email = "OLD@example.org"
    writes: list[Callable[[], Any]] = [
        lambda: Member.objects.create(email="old@example.org"),
        lambda: Member.objects.bulk_create([Member(email="x@example.org"), Member(email="Old@example.org")]),
        lambda: ben.save(),
        lambda: ben.save(update_fields=["email"]),
        lambda: Member.objects.bulk_update([ben], ["email"]),
        lambda: Member.objects.update_or_create(pk=ben.pk, defaults={"email": "old@example.org"}),
    ]
    for write in writes:
        with pytest.raises(IntegrityError, match="testapp_member_email"), transaction.atomic():
            write()
    assert Member.objects.get_or_create(email="OLD@example.org") == (old, False)
    assert MemberForm({"email": "Old@example.org", "city": ""}).errors.keys() == {"email"}
    assert Member.objects.count() == 3


def test_while_two_roots_live_a_row_may_keep_or_change_its_value(use_rings: Any, db: None) -> None:
    use_rings(indexes=BEFORE)
    made = Member.objects.create(email="old@example.org")
    use_rings(indexes=AFTER)
    made = Member.objects.get(pk=made.pk)
    made.city = "Bern"
    made.save()
    made.email = "Old@example.org"
    made.save()
    Member.objects.bulk_update([made], ["email", "city"])
    assert bytes(raw(made, "email"))[1] & 0x10 == 0
    assert Member.objects.get(email="old@example.org").city == "Bern"


def test_with_one_root_nothing_is_asked(ada: Member, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Member.objects.bulk_create([Member(email="x@example.org")])
    ada.email = "y@example.org"
    with django_assert_num_queries(1):
        ada.save()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_under_two_roots_let_one_value_in_once(use_rings: Any) -> None:
    """One seals under the old root, as a process that has not heard of the promotion yet; the other under the new."""
    use_rings(indexes=AFTER)
    asked, outcomes = threading.Barrier(2), []
    lock, tags = constraints.lock, Exact.tags

    def wait_and_lock(*args: Any) -> None:
        asked.wait(5)
        lock(*args)

    def write(*, old: bool) -> None:
        odd.old = old
        try:
            Member.objects.create(email="twice@example.org")
            outcomes.append("written")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connection.close()

    odd = threading.local()

    def old_first(self: Exact, *args: Any) -> Any:
        found = tags(self, *args)
        return found[::-1] if odd.old else found

    with mock.patch.object(constraints, "lock", wait_and_lock), mock.patch.object(Exact, "tags", old_first):
        writers = [threading.Thread(target=write, kwargs={"old": old}) for old in (True, False)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(20)
    assert sorted(outcomes) == ["refused", "written"]
