"""The chart of the log: a drawing that the list loads after the page, a page of its numbers, counts that are kept."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.audit import api
from apps.audit.canonical import floor_of
from apps.audit.chart import chart, stacked
from tests.audit.test_pages import LIST, at, auditor
from tests.audit.test_reading import looks

__all__ = ["auditor"]
pytestmark = pytest.mark.django_db
DAYS, DRAWING = "audit:days", "audit:drawing"


@pytest.fixture(autouse=True)
def _no_counts_are_kept() -> None:
    cache.clear()


def test_the_chart_counts_each_day_by_outcome(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = timezone.now().replace(hour=12) - timedelta(days=5)
    for outcome in ("success", "success", "denied", "error"):
        at(monkeypatch, noon, outcome=outcome, to="x")
    bars = chart({"category": "data", "since": noon - timedelta(days=1), "until": noon + timedelta(days=1)})
    assert [bar.total for bar in bars] == [0, 4, 0]
    assert bars[1].counts == {"success": 2, "denied": 1, "error": 1}
    assert [(part.outcome, part.height) for part in bars[1].parts] == [("success", 56), ("denied", 28), ("error", 28)]
    drawing = auditor.get(reverse(DRAWING), {"category": "data"})
    assert drawing["Content-Type"] == "image/svg+xml"
    assert drawing.text.count("<rect") == 3
    page = auditor.get(reverse(DAYS), {"category": "data"}).text
    day = f"category=data&amp;since={noon.date()}T00%3A00&amp;until={(noon + timedelta(days=1)).date()}T00%3A00"
    assert f'href="{reverse(LIST)}?{day}"' in page
    assert re.findall(r'<td class="end">(\d+)</td>', page) == ["2", "0", "1", "1"]


def test_a_page_of_the_list_counts_no_days_and_leaves_that_to_its_drawing(auditor: Client) -> None:
    api.record("testapp.thing.changed", to="x")
    with CaptureQueriesContext(connection) as asked:
        page = auditor.get(reverse(LIST), {"category": "data"}).text
    assert not [each for each in asked.captured_queries if "GROUP BY" in each["sql"]]
    assert f'src="{reverse(DRAWING)}?category=data"' in page
    assert f'href="{reverse(DAYS)}?category=data"' in page
    with CaptureQueriesContext(connection) as asked:
        auditor.get(reverse(DRAWING), {"category": "data"})
    assert [each for each in asked.captured_queries if "GROUP BY" in each["sql"]]


@pytest.mark.asvs("16.3.2")
def test_the_drawing_in_a_page_is_no_other_look_and_by_itself_it_is_one(auditor: Client) -> None:
    for name in (LIST, DRAWING, DAYS):
        auditor.get(reverse(name), {"period": "week"})
    assert looks() == ["audit.log.viewed"]
    auditor.get(reverse(DRAWING), {"period": "day"})
    auditor.get(reverse(DAYS), {"category": "data"})
    assert looks() == ["audit.log.viewed"] * 3


def test_days_of_a_filter_that_can_not_be_read_are_refused_with_words(auditor: Client) -> None:
    for name in (DAYS, DRAWING):
        assert "No events are shown" in auditor.get(reverse(name), {"since": "yesterday"}).text
    assert looks() == []


def test_days_on_which_nothing_happened_are_said_in_words(auditor: Client) -> None:
    for nothing in ({"action": "rbac.policy.missing"}, {"since": "2999-01-01T00:00"}):
        assert "No event matches" in auditor.get(reverse(DAYS), nothing).text


def test_what_was_counted_is_not_counted_again(monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any) -> None:
    for minutes in (1, 30, 60 * 24, 60 * 24 * 5):
        at(monkeypatch, timezone.now() - timedelta(minutes=minutes), to="x")
    fresh = chart({"category": "data"})
    assert sum(bar.total for bar in fresh) == 4
    with django_assert_num_queries(1) as asked:
        assert chart({"category": "data"}) == fresh
    at(monkeypatch, timezone.now(), to="x")
    assert sum(bar.total for bar in chart({"category": "data"})) == 5
    bound = floor_of(timezone.now() - timedelta(minutes=6))
    assert (str(bound) if connection.vendor == "postgresql" else bound.hex) < str(asked.captured_queries[0])[-200:]


def test_what_the_cache_forgot_is_counted_anew_and_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for days in range(6):
        at(monkeypatch, timezone.now() - timedelta(days=days, minutes=30), to="x")
    fresh = chart({"category": "data"})
    cache.clear()
    assert chart({"category": "data"}) == fresh
    assert chart({"category": "data"}) == fresh
    assert chart({"category": "data", "since": timezone.now() - timedelta(days=3)})[-1].counts == fresh[-1].counts


def test_one_refusal_among_thousands_of_successes_is_seen() -> None:
    parts = {part.outcome: part.height for part in stacked({"success": 9_999, "denied": 1}, 10_000)}
    assert parts["denied"] == 2


def test_a_row_whose_time_was_forged_does_not_break_the_chart(auditor: Client) -> None:
    event = api.event_of("testapp.thing.changed", api.Happening(details={"to": "x"}))
    event.occurred_at = "long ago"
    event.save()
    assert auditor.get(reverse(DAYS)).status_code == 200
