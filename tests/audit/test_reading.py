"""How an administrator reads the log: filters without a whole scan, histories; a look is told once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from apps.accounts.models import User
from apps.audit import api, looking
from apps.audit.context import acting_as, of_request
from apps.audit.forms import EventFilter
from apps.audit.models import Event
from apps.audit.queries import by_index, matching, seen_lately
from tests.audit.test_my_activity import request_from
from tests.audit.test_pages import LIST, at, auditor, shown
from tests.testapp.models import Thing

__all__ = ["auditor"]
pytestmark = pytest.mark.django_db
REQUEST = "0af7651916cd43dd8448eb211c80319c"


def looks() -> list[str]:
    return list(Event.objects.filter(action__startswith="audit.").order_by("id").values_list("action", flat=True))


def in_request(user: User, request_id: str, address: str = "198.51.100.7") -> Any:
    request = request_from(address, user)
    request.request_id = request_id  # type: ignore[attr-defined]
    return of_request(request)


def test_by_kind_of_action_severity_address_and_request(auditor: Client, owner: User) -> None:
    api.record("testapp.thing.changed", to="elsewhere")
    with in_request(owner, REQUEST):
        api.record("testapp.thing.changed", to="here")
    assert shown(auditor, category="data") == ["here", "elsewhere"]
    assert shown(auditor, category="authorization") == []
    assert shown(auditor, severity="info") == ["here", "elsewhere"]
    assert shown(auditor, severity="critical") == []
    assert shown(auditor, category="data", action="rbac.role.granted") == []
    assert shown(auditor, address="198.51.100.7") == ["here"]
    assert shown(auditor, request=REQUEST) == ["here"]


def test_by_a_users_key_which_outlives_every_name(auditor: Client, stranger: User) -> None:
    with acting_as(stranger):
        api.record("testapp.thing.changed", to="x")
    key = stranger.pk
    stranger.delete()
    assert shown(auditor, actor=f"user:{key}") == ["x"]


def test_last_month_is_the_calendar_month_before_this_one(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for when, to in ((first, "this"), (first - timedelta(seconds=1), "last"), (first - timedelta(days=32), "older")):
        at(monkeypatch, when, to=to)
    assert shown(auditor, period="month") == ["last"]


@pytest.mark.parametrize(
    ("filters", "word"),
    [
        ({"outcome": "denied"}, "outcome"),
        ({"address": "192.0.2.1"}, "address"),
        ({"request": REQUEST}, "request"),
        ({"actor": "gone@example.org"}, "the name of somebody without an account"),
        ({"target": "testapp.thing"}, "a kind of object"),
    ],
)
def test_what_no_index_serves_is_read_through_for_a_month_at_most(
    auditor: Client, filters: dict[str, str], word: str
) -> None:
    form = EventFilter(filters)
    assert form.is_valid()
    assert timezone.now() - form.cleaned_data["since"] < timedelta(days=31, minutes=1)
    assert f"By {word} the log is read through" in auditor.get(reverse(LIST), filters).text
    year = filters | {"since": "2025-01-01T00:00", "until": "2025-12-31T00:00"}
    assert "choose at most 31 days" in auditor.get(reverse(LIST), year).text
    week = filters | {"since": "2025-01-01T00:00", "until": "2025-01-08T00:00"}
    assert EventFilter(week).is_valid()


INDEXED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "time": {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 1, 2, tzinfo=UTC)},
    "actor": {"actor": "user:7"},
    "command": {"actor": "system:migrate"},
    "action": {"action": "testapp.thing.changed"},
    "category": {"category": "data"},
    "severity": {"severity": "critical"},
    "target": {"target": "testapp.thing:7"},
    "action and time": {"action": "testapp.thing.changed", "since": datetime(2026, 1, 1, tzinfo=UTC)},
    "target and category": {"target": "testapp.thing:7", "category": "authorization"},
}


@pytest.fixture
def many_events() -> None:
    """Enough for a planner to see that an index pays."""
    hour = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    template = api.event_of("testapp.thing.changed", api.Happening(details={"to": "x"}))
    columns = {field.name: getattr(template, field.name) for field in Event._meta.concrete_fields}
    Event.objects.bulk_create(
        Event(
            **columns
            | {
                "id": uuid7(nanoseconds=(hour + 600 * number) * 1_000_000_000),
                "actor_type": "user",
                "actor_id": str(number % 97),
                "target_type": "testapp.thing",
                "target_id": str(number % 89),
                "action": f"testapp.thing.{['changed', 'signed', 'viewed'][number % 3]}",
            }
        )
        for number in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_event")


def test_a_page_with_an_indexed_filter_never_reads_the_whole_table(many_events: None) -> None:
    plans = {
        f"{name}: {plan}"
        for name, filters in INDEXED.items()
        for source in by_index(filters)
        for plan in source.order_by("-id")[:51].explain().splitlines()
        if "Seq Scan" in plan or ("SCAN" in plan and "USING INDEX" not in plan)
    }
    assert plans == set()


def test_the_explanation_does_tell_a_read_of_the_whole_table(many_events: None) -> None:
    plan = matching({"address": "192.0.2.1"}).order_by("ip").explain()
    assert "Seq Scan" in plan or ("SCAN" in plan and "USING INDEX" not in plan)


@pytest.mark.asvs("16.3.2")
def test_turning_pages_and_loading_again_is_one_look(auditor: Client) -> None:
    for _ in range(3):
        auditor.get(reverse(LIST), {"category": "data"})
        auditor.get(reverse(LIST), {"category": "data", "before": str(uuid7())})
    assert looks() == ["audit.log.viewed"]


@pytest.mark.asvs("16.3.2")
def test_another_look_another_session_another_address_and_a_later_one_are_told(
    auditor: Client, administrator: User, client_for: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor.get(reverse(LIST))
    auditor.get(reverse(LIST), {"category": "data"})
    client_for(administrator).get(reverse(LIST))
    auditor.get(reverse(LIST), REMOTE_ADDR="203.0.113.9")
    assert len(looks()) == 4
    monkeypatch.setattr(looking, "ONE_LOOK", timedelta(0))
    auditor.get(reverse(LIST))
    assert len(looks()) == 5


def test_a_look_of_one_person_does_not_hide_that_of_another(owner: User, colleague: User) -> None:
    with acting_as(owner):
        looked = api.record("audit.log.viewed", filters={})
    assert seen_lately(looked, timedelta(minutes=1))
    with acting_as(colleague):
        other = api.event_of("audit.log.viewed", api.Happening(details={"filters": {}}))
    assert not seen_lately(other, timedelta(minutes=1))


def test_what_else_the_same_request_did_is_beside_the_event(auditor: Client, owner: User) -> None:
    with in_request(owner, REQUEST):
        first = api.record("testapp.thing.changed", to="first")
        api.record("testapp.thing.changed", to="second")
    with in_request(owner, REQUEST[::-1]):
        api.record("testapp.thing.changed", to="of another request")
    page = auditor.get(reverse("audit:event_detail", args=[first.pk]))
    assert [event.detail_rows().__next__()[1] for event in page.context["others"]] == ["second"]
    assert f"grep {REQUEST}" in page.text


def test_the_history_of_an_object_says_who_saw_it_and_who_gave_them_access(
    auditor: Client, owner: User, colleague: User, stranger: User
) -> None:
    thing = Thing.objects.create(title="the thing")
    with acting_as(owner):
        grant = api.record("rbac.share.granted", target=thing, to=str(colleague), permissions=["view_thing"])
    for user in (colleague, colleague, stranger):
        with acting_as(user):
            api.record("testapp.thing.viewed", target=thing)
    with acting_as(owner):
        api.record("rbac.share.granted", target=thing, to=str(stranger), permissions=["view_thing"])
    page = auditor.get(reverse("audit:target", args=["testapp.thing", thing.pk]), {"period": "days"})
    people = {person.last.actor_label: person for person in page.context["people"]}
    assert people[colleague.email].counts == {"testapp.thing.viewed": 2}
    assert people[colleague.email].grant == grant
    assert people[stranger.email].grant is None, "what was granted afterwards explains nothing"
    assert "owner@example.org shared the thing with colleague@example.org" in page.text
    assert looks() == ["audit.timeline.viewed"]


def test_the_history_of_a_person_and_of_a_command(auditor: Client, owner: User) -> None:
    with acting_as(owner):
        api.record("testapp.thing.changed", to="by the owner")
    page = auditor.get(reverse("audit:actor", args=["user", owner.pk]))
    assert [event.actor_label for event in page.context["page"].events] == [owner.email]
    assert "What owner@example.org did" in page.text
    assert auditor.get(reverse("audit:actor", args=["system", "no/such command"])).status_code == 200


def test_a_history_with_an_unreadable_time_is_refused_with_words(auditor: Client) -> None:
    for name, arguments in (("audit:actor", ["user", "7"]), ("audit:target", ["testapp.thing", "7"])):
        page = auditor.get(reverse(name, args=arguments), {"since": "yesterday"})
        assert "Write a day and a time" in page.text
        assert looks() == []


def test_histories_are_for_those_who_may_read_the_log(stranger: User, client_for: Callable[[User], Client]) -> None:
    for name, arguments in (("audit:actor", ["user", "7"]), ("audit:target", ["testapp.thing", "7"])):
        assert client_for(stranger).get(reverse(name, args=arguments)).status_code == 403


def test_a_time_that_is_yet_to_come_is_an_empty_page(auditor: Client) -> None:
    page = auditor.get(reverse(LIST), {"since": "2999-01-01T00:00"})
    assert page.status_code == 200
    assert "No event matches" in page.text


@pytest.mark.parametrize("url", ["/audit/on/testapp.thing/%00/", "/audit/by/user/%00/", "/audit/on/%00/1/"])
def test_an_address_that_no_database_takes_is_not_found(auditor: Client, url: str) -> None:
    assert auditor.get(url).status_code == 404
