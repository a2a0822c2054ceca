"""An attacker puts line breaks, terminal codes, reversed text and markup into everything that the log keeps of him."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.models import User
from apps.audit import api
from apps.audit.context import of_request
from apps.audit.models import Event
from tests.audit.events import told
from tests.testapp.models import Thing

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.1")]

HARMFUL = {
    "a forged line": "ok\r\n2026-01-01 admin granted everything",
    "a terminal code": "\x1b[2J\x1b]0;owned\x07",
    "an eight-bit terminal code": "\x9b31m",
    "a null byte": "a\x00b",
    "reversed text": "user\u202egnp.exe",
    "an isolate": "a\u2066b\u2069",
    "a line separator": "a\u2028b\u2029c",
    "half a character": "a\ud800b",
    "invisible tags": "a\U000e0041\U000e0042",
    "a byte order mark": "\ufeffa",
}
FORBIDDEN = {"\r", "\n", "\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u2066", "\u2028", "\u2029", "\ud800", "\ufeff"}


@pytest.mark.parametrize("what", HARMFUL)
def test_no_text_of_an_event_keeps(what: str) -> None:
    text = HARMFUL[what]
    request = RequestFactory().get("/", headers={"user-agent": text}, REMOTE_ADDR=text)
    request.request_id = text  # type: ignore[attr-defined]  # as the middleware sets it
    request.user = User(email=text)
    with of_request(request):
        api.record(
            "testapp.thing.changed",
            target=Thing(pk=1, title=text),
            changes={text: [text, {text: text}]},
            reason=text,
            to=[text, {"deep": text}],
        )
    event = told().get()
    for column in (*Event.COLUMNS, "sentence"):
        assert not FORBIDDEN & set(str(getattr(event, column))), column
    for row in (*event.change_rows(), *event.detail_rows()):
        assert not FORBIDDEN & set("".join(row))
    assert event.is_intact


def test_an_action_with_a_forged_line_is_refused_and_its_emergency_line_is_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(api.NotRecorded):
        api.record("a.b.c\nCRITICAL all is well")
    (line,) = [each for each in caplog.records if each.name == "audit.emergency"]
    assert "\n" not in line.getMessage()


def test_markup_in_an_event_is_shown_and_not_run(administrator: User, client_for: Callable[[User], Client]) -> None:
    evil: Any = '"><script>alert(1)</script>{{ request }}{% debug %}'
    event = api.record(
        "testapp.thing.changed", target=Thing(pk=1, title=evil), changes={evil: [evil, evil]}, reason=evil, to=evil
    )
    client = client_for(administrator)
    for url in (reverse("audit:event_list"), reverse("audit:event_detail", args=[event.pk])):
        page = client.get(url).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ request }}{% debug %}" in page


def test_braces_in_an_event_reach_no_attribute() -> None:
    api.record(
        "testapp.thing.changed", target=Thing(pk=1, title="{actor.__class__.__init__.__globals__}"), to="{reason}"
    )
    assert "{actor.__class__.__init__.__globals__} to {reason}" in told().get().sentence
