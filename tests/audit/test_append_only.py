"""The model, its manager and its querysets refuse to change or delete a row, before the database has to."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from apps.audit.api import record
from apps.audit.errors import AppendOnlyError
from apps.audit.models import Event
from tests.audit.events import told
from tests.testapp.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]


@pytest.fixture
def event() -> Event:
    record("testapp.thing.changed", to="x")
    return told().get()


WAYS: dict[str, Callable[[Event], Any]] = {
    "save": lambda event: event.save(),
    "save with update_fields": lambda event: event.save(update_fields=["action"]),
    "save with force_update": lambda event: Event(id=event.id).save(force_update=True),
    "delete": lambda event: event.delete(),
    "queryset.update": lambda event: Event.objects.update(action="x"),
    "queryset.delete": lambda event: Event.objects.filter(pk=event.pk).delete(),
    "bulk_update": lambda event: Event.objects.bulk_update([event], ["action"]),
    "bulk_create as upsert": lambda event: Event.objects.bulk_create(
        [event], update_conflicts=True, unique_fields=["id"], update_fields=["action"]
    ),
    "bulk_create ignoring conflicts": lambda event: Event.objects.bulk_create([event], ignore_conflicts=True),
    "update_or_create": lambda event: Event.objects.update_or_create(pk=event.pk, defaults={"action": "x"}),
    "the base manager": lambda event: Event._base_manager.update(action="x"),
    "the default manager": lambda event: Event._default_manager.all().delete(),
    "a deletion without signals": lambda event: Event.objects.all()._raw_delete("default"),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_event_can_not_be_changed_or_deleted_by(way: str, event: Event) -> None:
    event.action = "forged.by.hand"
    with pytest.raises(AppendOnlyError, match="append-only"):
        WAYS[way](event)
    assert told().get().action == "testapp.thing.changed"


def test_nor_by_the_asynchronous_ways(event: Event) -> None:
    events = Event.objects.all()
    for refused in (
        lambda: async_to_sync(events.aupdate)(action="x"),
        lambda: async_to_sync(events.adelete)(),
        lambda: async_to_sync(events.abulk_update)([event], ["action"]),
        lambda: async_to_sync(event.asave)(),
        lambda: async_to_sync(event.adelete)(),
    ):
        with pytest.raises(AppendOnlyError):
            refused()
    assert told().get().action == "testapp.thing.changed"


def test_an_event_can_be_added_one_by_one_and_in_bulk() -> None:
    Entry.objects.create(number=1, book="a", line=1)
    Entry.objects.bulk_create([Entry(number=2, book="a", line=2), Entry(number=3, book="a", line=3)])
    assert Entry.objects.count() == 3


def test_an_event_has_no_foreign_key_so_that_it_outlives_user_and_target() -> None:
    assert not [field for field in Event._meta.get_fields() if field.is_relation]


def test_only_looking_and_exporting_are_permissions() -> None:
    assert Event._meta.default_permissions == ("view", "export")
