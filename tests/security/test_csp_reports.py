"""What the content security policy stopped in a browser is on record, and the door for that is no way in."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.audit.models import Event
from config.security import csp_reports

pytestmark = pytest.mark.django_db

PATH = "/csp-reports/"
OLD = {
    "csp-report": {
        "document-uri": "https://testserver/accounts/login/?next=hunter2",
        "violated-directive": "script-src-elem 'self'",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://user:pw@evil.example/steal.js?token=hunter2",
        "script-sample": "hunter2",
    }
}
NEW = [
    {
        "type": "csp-violation",
        "age": 10,
        "url": "https://testserver/accounts/login/",
        "body": {
            "documentURL": "https://testserver/accounts/login/",
            "effectiveDirective": "script-src-elem",
            "blockedURL": "https://evil.example/other.js",
        },
    },
    {"type": "deprecation", "body": {"id": "x"}},
]


@pytest.fixture(autouse=True)
def _nobody_has_reported() -> None:
    cache.clear()


def report(client: Client, document: Any, content_type: str = "application/csp-report", **extra: Any) -> int:
    body = document if isinstance(document, bytes) else json.dumps(document)
    return client.post(PATH, body, content_type=content_type, **extra).status_code


def told() -> list[dict[str, Any]]:
    return [json.loads(event.details) for event in Event.objects.filter(action="hardening.csp.violated").order_by("id")]


@pytest.mark.asvs("3.4.7")
def test_each_page_tells_the_browser_where_to_report(client: Client) -> None:
    headers = client.get("/accounts/login/").headers
    assert "report-uri /csp-reports/" in headers["Content-Security-Policy"]
    assert "report-to csp" in headers["Content-Security-Policy"]
    assert headers["Reporting-Endpoints"] == 'csp="/csp-reports/"'


@pytest.mark.asvs("16.2.5")
def test_a_violation_is_told_without_anything_secret_of_it() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert report(browser, OLD) == 204
    assert told() == [{"directive": "script-src-elem", "blocked": "https://evil.example", "page": "/accounts/login/"}]
    row = str(Event.objects.filter(action="hardening.csp.violated").values().get())
    assert "hunter2" not in row
    assert "pw@" not in row


def test_both_forms_of_a_report_are_one_violation_which_is_told_once(client: Client) -> None:
    assert report(client, OLD) == 204
    assert report(client, NEW, "application/reports+json") == 204
    assert len(told()) == 1


def test_another_directive_is_another_violation(client: Client) -> None:
    report(client, OLD)
    report(client, {"csp-report": {"effective-directive": "img-src", "blocked-uri": "inline"}})
    assert told()[1] == {"directive": "img-src", "blocked": "inline", "page": ""}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/csp-report", 400),
        (b"[1]", "application/reports+json", 400),
        (b"3", "application/csp-report", 400),
        (b'{"csp-report": []}', "application/csp-report", 400),
        (b"[" * 5000, "application/reports+json", 400),
        (b"x" * (csp_reports.LARGEST + 1), "application/csp-report", 413),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/html", 415),
    ],
)
def test_what_is_no_report_is_refused_and_told_of_nowhere(
    client: Client, body: bytes, content_type: str, status: int
) -> None:
    assert report(client, body, content_type) == status
    assert told() == []


@pytest.mark.asvs("16.4.1")
def test_control_characters_of_a_report_do_not_reach_the_log(client: Client) -> None:
    report(client, {"csp-report": {"effective-directive": "img-src\x1b[2J\n", "blocked-uri": "\x1b[31mred"}})
    row = str(Event.objects.filter(action="hardening.csp.violated").values().get())
    assert "\x1b" not in row


def test_one_address_can_not_fill_the_log(client: Client) -> None:
    answers = [
        report(client, {"csp-report": {"effective-directive": f"directive-{number}"}}, REMOTE_ADDR="203.0.113.9")
        for number in range(csp_reports.A_MINUTE + 5)
    ]
    assert answers == [204] * csp_reports.A_MINUTE + [429] * 5
    assert len(told()) == csp_reports.A_MINUTE
    assert report(client, OLD, REMOTE_ADDR="203.0.113.10") == 204


def test_it_answers_to_a_post_only(client: Client) -> None:
    assert client.get(PATH).status_code == 405
