"""From an event to the log lines of its request, and back: all of them, and none of another's, hold the same id."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from structlog.contextvars import get_contextvars
from structlog.stdlib import ProcessorFormatter

from apps.audit import api, writing
from apps.audit.models import Event
from config.security.request_id import RequestIdMiddleware
from config.settings.logging import LOGGING


class Lines(logging.Handler):
    """Keeps each line as production writes it, at the time when it is written."""

    def __init__(self) -> None:
        super().__init__()
        options = {name: value for name, value in LOGGING["formatters"]["structured"].items() if name != "()"}
        self.setFormatter(ProcessorFormatter(**options))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Any:
    handler = Lines()
    with caplog.at_level(logging.INFO):
        logging.getLogger().addHandler(handler)
        yield handler.lines
        logging.getLogger().removeHandler(handler)


@pytest.mark.django_db
@pytest.mark.asvs("16.2.1")
def test_events_and_lines_and_the_answer_of_a_request_hold_one_id(client: Client, written: list[Any]) -> None:
    answers = [client.post(reverse("account_login"), {"login": "ann@example.org", "password": "wrong"}) for _ in "ab"]
    ids = [answer["X-Request-ID"] for answer in answers]
    assert len(set(ids)) == 2
    assert [line["request_id"] for line in written if line["logger"] == "access"] == ids
    events = Event.objects.filter(action="accounts.sign_in.failed").order_by("id")
    assert list(events.values_list("request_id", flat=True)) == ids


@pytest.mark.django_db
@pytest.mark.asvs("16.2.1")
def test_the_emergency_line_of_a_lost_event_holds_the_id(
    client: Client, written: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: Any, **_options: Any) -> None:
        raise OSError("the disk is full")

    client.raise_request_exception = False
    monkeypatch.setattr(writing, "keep", fails)
    answer = client.post(reverse("account_login"), {"login": "ann@example.org", "password": "wrong"})
    assert answer.status_code == 500
    lost = [line for line in written if line["logger"] == "audit.emergency"]
    assert [line["request_id"] for line in lost] == [answer["X-Request-ID"]]


def test_requests_at_the_same_time_do_not_mix_their_ids(written: list[Any]) -> None:
    seen: dict[str, set[str]] = {}

    def view(request: HttpRequest) -> HttpResponse:
        for _ in range(5):
            logging.getLogger("site").info("at work", extra={"page": request.path})
            time.sleep(0.005)
        seen[request.path] = {str(get_contextvars()["request_id"]), request.request_id}  # type: ignore[attr-defined]
        return HttpResponse()

    with ThreadPoolExecutor(max_workers=8) as threads:
        requests = [RequestFactory().get(f"/{number}") for number in range(24)]
        list(threads.map(RequestIdMiddleware(view), requests))
    lines = [line for line in written if line["logger"] == "site"]
    assert len(lines) == 24 * 5
    for path, ids in seen.items():
        assert {line["request_id"] for line in lines if line["page"] == path} == ids
        assert len(ids) == 1


@pytest.mark.django_db
def test_what_is_recorded_outside_of_a_request_claims_no_request() -> None:
    assert api.record("testapp.thing.changed", to="x").request_id == ""
