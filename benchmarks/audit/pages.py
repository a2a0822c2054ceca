"""How long the database works for one page of the log over a million events, with each filter that an index serves."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import batched
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from uuid_utils.compat import uuid7

from apps.audit import api, views
from apps.audit.actions import Action, Category, Severity, register
from apps.audit.canonical import floor_of, moment_of
from apps.audit.chart import chart
from apps.audit.models import Event
from benchmarks.bars import Bar

MOST = 5.0  # milliseconds of the database for one page
CHART_MOST = 3_000.0  # and for the chart, the first time that its days are counted
SPAN = timedelta(days=60)
TRIES = 5
BATCH = 20_000

# As many as a site of some size has, a few of them in each category.
ACTIONS = [
    Action(
        f"bench.thing.done_{number}",
        "{actor} did it",
        list(Category)[number % len(Category)],
        Severity.CRITICAL if number % 7 == 0 else Severity.INFO,
    )
    for number in range(56)
]
COMMON, RARE = ACTIONS[0].name, ACTIONS[-1].name

type Statement = tuple[str, Any]


def run(number: int) -> Iterator[Bar]:
    """Fills the log, and yields a bar a filter: the best of five tries, in milliseconds."""
    register(*ACTIONS)
    first = fill(number)
    middle = moment_of(first) + SPAN / 2
    day = {"since": typed(middle), "until": typed(middle + timedelta(days=1))}
    pages = {
        "no filter": {},
        "no filter, in the middle of the log": {"before": str(last_before(middle))},
        "a day": day,
        "a person": {"actor": "user:1"},
        "a person who did nothing": {"actor": "user:none"},
        "a person, a day": {"actor": "user:1", **day},
        "a common action": {"action": COMMON},
        "a rare action": {"action": RARE},
        "an action, until the middle": {"action": COMMON, "until": day["since"]},
        "a kind of action": {"category": Category.AUTHORIZATION},
        "a severity": {"severity": "critical"},
        "an object": {"target": "testapp.thing:1"},
        "an object, a day": {"target": "testapp.thing:1", **day},
    }
    for name, filters in pages.items():
        open_list(filters)  # whose look is told: by the second one no more
        statements = asked(lambda f=filters: open_list(f))  # type: ignore[misc]
        yield Bar(f"a page, ms of {connection.vendor}: {name}", MOST, best(statements))
    cache.clear()
    yield Bar(
        f"the chart of 32 days, ms of {connection.vendor}: the first time", CHART_MOST, best(asked(lambda: chart({})))
    )
    of_a_kind = {"category": ACTIONS[0].category}  # what the other measurements have just written is not among them
    chart(of_a_kind)
    again = best(asked(lambda: chart(of_a_kind)))
    yield Bar(f"the chart of 32 days, ms of {connection.vendor}: again", MOST, again)


def open_list(filters: dict[str, str]) -> None:
    """All that the page of these filters asks of the database: the view itself, but for its template."""

    def render(request: HttpRequest, template: str, shown: dict[str, Any]) -> HttpResponse:
        if "page" not in shown:
            raise ValueError(f"A filter can't be read: {shown['form'].errors}")
        return HttpResponse()

    with patch.object(views, "render", render):
        views.event_list(RequestFactory().get("/audit/", filters))


def typed(when: Any) -> str:
    """A time as one writes it into a filter."""
    return f"{timezone.localtime(when):%Y-%m-%dT%H:%M}"


def last_before(when: Any) -> UUID:
    return Event.objects.filter(id__lt=floor_of(when)).order_by("-id").values_list("id", flat=True)[0]


def asked(work: Callable[[], Any]) -> list[Statement]:
    """The statements that the work sends."""
    found: list[Statement] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        work()
    return found


def best(statements: list[Statement]) -> float:
    """Milliseconds until the last row of all of them has been fetched."""
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        with connection.cursor() as cursor:
            for sql, params in statements:
                cursor.execute(sql, params)
                cursor.fetchall()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


def fill(number: int) -> UUID:
    """So many events of the last 60 days, most of few people and on few objects. Gives the first one's id."""
    random, now = Random(1), time.time()  # noqa: S311 - the same log each time
    template = api.event_of(COMMON, api.Happening(details={"to": "ann@example.org"}))
    fields = Event._meta.concrete_fields
    weights = [1 + 200 // (1 + place) for place in range(len(ACTIONS))]
    columns = {field.name: getattr(template, field.name) for field in fields} | {"actor_type": "user"}
    columns |= {"target_type": "testapp.thing", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "ip": "192.0.2.7"}

    def rows() -> Iterator[dict[str, Any]]:
        step = SPAN.total_seconds() / number
        for place in range(number):
            key = uuid7(nanoseconds=int((now - SPAN.total_seconds() + place * step) * 1e9))
            yield columns | {
                "id": key,
                "occurred_at": f"{moment_of(key).isoformat(timespec='milliseconds')[:-6]}Z",
                "action": random.choices(ACTIONS, weights)[0].name,
                "actor_id": str(int(random.paretovariate(0.6)) % 5_000),
                "target_id": str(int(random.paretovariate(0.4)) % 100_000),
                "outcome": "success" if random.random() > 0.02 else "denied",
            }

    for batch in batched(rows(), BATCH):
        insert(batch, [field.name for field in fields])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE audit_event" if connection.vendor == "postgresql" else "ANALYZE")
    return Event.objects.order_by("id").values_list("id", flat=True)[0]


def insert(rows: Sequence[dict[str, Any]], names: list[str]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY audit_event ({', '.join(names)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([row[name] for name in names])
        else:
            values = [[row[name].hex if name == "id" else row[name] for name in names] for row in rows]
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO audit_event ({', '.join(names)}) VALUES ({marks})", values)
