"""The pages: an administrator finds what he looks for, a user sees his own, and each look is an event."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from uuid_utils.compat import uuid7

from apps.accounts.models import User
from apps.audit import api, queries
from apps.audit.context import acting_as
from apps.audit.forms import EventFilter
from apps.audit.models import Event
from apps.audit.queries import matching, page_of
from tests.audit.events import told
from tests.testapp.models import Thing

pytestmark = pytest.mark.django_db

LIST, MINE = "audit:event_list", "audit:my_activity"


@pytest.fixture
def auditor(administrator: User, client_for: Callable[[User], Client]) -> Client:
    return client_for(administrator)


def at(monkeypatch: pytest.MonkeyPatch, when: datetime, **details: Any) -> Event:
    """An event that happened then."""
    nanoseconds = int(when.timestamp() * 1000) * 1_000_000
    with monkeypatch.context() as patch:
        patch.setattr(api, "uuid7", lambda: uuid7(nanoseconds=nanoseconds))
        return api.record("testapp.thing.changed", **details)


def shown(client: Client, **filters: Any) -> list[str]:
    """Which of the test's events the page lists: what each was changed to."""
    response = client.get(reverse(LIST), filters)
    assert response.status_code == 200
    events = response.context["page"].events
    return [event.detail_rows().__next__()[1] for event in events if event.action.startswith("testapp.")]


@pytest.mark.asvs("16.4.2")
def test_who_may_see_the_log_sees_it_and_who_may_not_does_not(
    auditor: Client, stranger: User, client_for: Callable[[User], Client]
) -> None:
    event = api.record("testapp.thing.changed", to="x")
    for url in (reverse(LIST), reverse("audit:event_detail", args=[event.pk])):
        assert auditor.get(url).status_code == 200
        assert client_for(stranger).get(url).status_code == 403
        assert Client().get(url).status_code == 302


def test_the_newest_event_comes_first(auditor: Client) -> None:
    for number in range(3):
        api.record("testapp.thing.changed", to=number)
    assert shown(auditor) == ["2", "1", "0"]


def test_a_time_range_selects_by_the_time_of_the_event(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for minutes in (-1, 0, 1, 60):
        at(monkeypatch, noon + timedelta(minutes=minutes), to=minutes)
    assert shown(auditor, since="2026-03-01T12:00", until="2026-03-01T13:00") == ["1", "0"]


def test_by_actor_finds_what_a_user_did_under_an_earlier_name(auditor: Client, owner: User, colleague: User) -> None:
    for user in (owner, colleague):
        with acting_as(user):
            api.record("testapp.thing.changed", to=user.email)
    User.objects.filter(pk=owner.pk).update(email="renamed@example.org")
    assert shown(auditor, actor="renamed@example.org") == ["owner@example.org"]


def test_by_actor_finds_what_a_deleted_user_did(auditor: Client, stranger: User) -> None:
    with acting_as(stranger):
        api.record("testapp.thing.changed", to="by a stranger")
    key = stranger.pk
    assert shown(auditor, actor="stranger@example.org") == ["by a stranger"]
    stranger.delete()
    assert shown(auditor, actor=f"user:{key}") == ["by a stranger"]
    assert shown(auditor, actor="stranger@example.org") == []
    assert "system:migrate, user:ID" in auditor.get(reverse(LIST)).text


def test_by_actor_finds_what_a_command_did(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["manage.py", "clearsessions"])
    api.record("testapp.thing.changed", to="cleared")
    assert shown(auditor, actor="system:clearsessions") == ["cleared"]
    assert shown(auditor, actor="system:migrate") == []


def test_by_action_outcome_and_target(auditor: Client) -> None:
    thing, other = Thing.objects.create(title="one"), Thing.objects.create(title="other")
    api.record("testapp.thing.changed", target=thing, to="blue")
    api.record("testapp.thing.changed", target=other, outcome="denied", to="red")
    assert shown(auditor, action="testapp.thing.changed") == ["red", "blue"]
    assert shown(auditor, outcome="denied") == ["red"]
    assert shown(auditor, target=f"testapp.thing:{thing.pk}") == ["blue"]
    assert shown(auditor, target="testapp.thing") == ["red", "blue"]


def test_nothing_found_is_said_in_words(auditor: Client) -> None:
    response = auditor.get(reverse(LIST), {"actor": "nobody@example.org"})
    assert "No event matches" in response.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterday"),
        ("since", "1969-12-31T23:59"),
        ("until", "0001-01-01T00:00"),
        ("until", "9999-12-31T23:59"),
        ("action", "no.such.action"),
        ("outcome", "perhaps"),
        ("target", "thing"),
        ("actor", "a\x00b"),
        ("before", "not-a-uuid"),
    ],
)
def test_a_filter_that_can_not_be_read_is_said_and_what_was_typed_stays(auditor: Client, name: str, value: str) -> None:
    response = auditor.get(reverse(LIST), {name: value, "actor": "ann@example.org"} | {name: value})
    assert response.status_code == 200
    assert name in response.context["form"].errors
    assert "page" not in response.context
    assert "No events are shown" in response.text
    if name not in ("actor", "before"):
        assert "ann@example.org" in response.text


def test_a_range_that_ends_before_it_begins_is_said(auditor: Client) -> None:
    response = auditor.get(reverse(LIST), {"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"})
    assert "later than" in response.text


def test_pages_follow_each_other_without_gap_or_repetition(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 4)
    for number in range(10):
        api.record("testapp.thing.changed", to=number)
    seen, before = [], ""
    while True:
        response = auditor.get(reverse(LIST), {"action": "testapp.thing.changed", "before": before})
        page = response.context["page"]
        seen += [event.detail_rows().__next__()[1] for event in page.events]
        if page.older is None:
            assert "Older" not in response.text
            break
        assert f"action=testapp.thing.changed&amp;before={page.older}" in response.text
        before = page.older
        api.record("testapp.thing.changed", to="arrived meanwhile")
    assert seen == [str(number) for number in reversed(range(10))]


class TestPaging(TestCase):
    @settings(max_examples=15)
    @given(st.integers(0, 12))
    def test_any_number_of_events_is_shown_exactly_once(self, number: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(queries, "PAGE_SIZE", 4)
            made = [api.record("testapp.thing.changed", to=each).pk for each in range(number)]
            seen: list[UUID] = []
            before: UUID | None = None
            while True:
                page = page_of(before, told().order_by())
                seen += [event.pk for event in page.events]
                before = page.older
                if before is None:
                    break
        assert seen == list(reversed(made))


def test_a_page_of_events_costs_the_same_few_queries_however_many_it_lists(
    auditor: Client, django_assert_max_num_queries: Any
) -> None:
    auditor.get(reverse(LIST))  # the first look is recorded, and the chart of the days that are over kept
    counts = []
    for _ in range(2):
        for number in range(20):
            api.record("testapp.thing.changed", target=Thing(pk=number, title="x"), to=number)
        with django_assert_max_num_queries(20) as queries_made:
            auditor.get(reverse(LIST))
        counts.append(len(queries_made))
    assert counts[0] == counts[1]


@pytest.mark.asvs("16.3.2")
def test_each_look_at_the_log_is_an_event(auditor: Client, administrator: User) -> None:
    event = api.record("testapp.thing.changed", to="x")
    auditor.get(reverse(LIST), {"outcome": "denied"})
    auditor.get(reverse("audit:event_detail", args=[event.pk]))
    auditor.get(reverse(MINE))
    looks = Event.objects.filter(actor_id=str(administrator.pk), action__startswith="audit.").order_by("id")
    assert [look.action for look in looks] == ["audit.log.viewed", "audit.event.viewed", "audit.activity.viewed"]
    assert looks[0].details == '{"filters":{"outcome":"denied"}}'
    assert looks[1].target_id == str(event.pk)


def test_an_event_page_shows_everything_that_is_known(auditor: Client, owner: User) -> None:
    with acting_as(owner, reason="asked by phone"):
        event = api.record(
            "testapp.thing.changed", target=Thing(pk=1, title="a thing"), changes={"title": ["old", "new"]}, to="new"
        )
    page = auditor.get(reverse("audit:event_detail", args=[event.pk])).text
    for text in (
        "owner@example.org changed a thing to new",
        "asked by phone",
        "old",
        event.digest,
        f'"{event.occurred_at}"',
    ):
        assert text in page
    assert "was changed after" not in page


def test_an_event_that_does_not_exist_is_not_found(auditor: Client) -> None:
    assert auditor.get(reverse("audit:event_detail", args=[uuid7()])).status_code == 404
    assert auditor.get("/audit/not-a-uuid/").status_code == 404


@pytest.mark.parametrize("name", [LIST, MINE])
def test_pages_only_read(auditor: Client, name: str) -> None:
    assert auditor.post(reverse(name)).status_code == 405


def test_a_filter_on_time_becomes_a_bound_of_the_primary_key() -> None:
    form = EventFilter({"since": "2026-03-01T12:00", "until": "2026-03-01T13:00"})
    assert form.is_valid()
    sql = str(matching(form.cleaned_data).query)
    assert "occurred_at" not in sql.partition("WHERE")[2]
    assert sql.count('"audit_event"."id"') >= 3
