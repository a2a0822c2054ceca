"""The headers that each answer carries, errors included. Asserted on answers, never on settings."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from tests.conftest import ClientFor

SIGN_IN = "/accounts/login/"

pytestmark = pytest.mark.django_db


@pytest.mark.asvs("3.4.3")
@pytest.mark.asvs("3.4.6")
@pytest.mark.parametrize("path", [SIGN_IN, "/nowhere", "/health/live/", "/static/kit.css"])
def test_nothing_but_our_own_files_runs_or_loads(client: Client, path: str) -> None:
    response = client.get(path)
    response.close()  # the style sheet's would stay open
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


@pytest.mark.asvs("3.4.4")
@pytest.mark.asvs("3.4.5")
@pytest.mark.asvs("3.4.8")
@pytest.mark.parametrize("path", [SIGN_IN, "/nowhere"])
def test_a_browser_is_told_to_keep_the_page_apart(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]


def test_an_unknown_host_is_refused_with_the_headers_on(client: Client) -> None:
    refused = client.get(SIGN_IN, headers={"host": "evil.example"})
    assert refused.status_code == 400
    assert "Content-Security-Policy" in refused.headers
    assert refused.headers["X-Frame-Options"] == "DENY"


@pytest.mark.asvs("14.3.2")
def test_no_cache_keeps_a_page(client_for: ClientFor, owner: User) -> None:
    assert "no-store" in client_for(owner).get("/account/").headers["Cache-Control"]


def test_each_answer_carries_the_id_that_the_log_has(client: Client) -> None:
    first, second = client.get(SIGN_IN), client.get(SIGN_IN)
    assert len(first.headers["X-Request-ID"]) == 32
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_a_form_that_is_too_large_is_refused_in_plain_words(client: Client) -> None:
    refused = client.post(SIGN_IN, {"login": "x" * 10_000_000, "password": "y"})
    assert refused.status_code == 413
    assert "nothing was saved" in refused.content.decode()


@pytest.mark.asvs("16.5.1")
def test_a_page_that_is_not_there_shows_no_trace(client: Client) -> None:
    page = client.get("/nowhere").content.decode()
    assert "Traceback" not in page
    assert "urlpatterns" not in page


@pytest.mark.asvs("3.5.1")
def test_a_form_from_another_site_is_refused_and_audited(client: Client) -> None:
    refused = client.post(SIGN_IN, {}, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert refused.status_code == 403
    event = Event.objects.get(action="hardening.request.refused")
    assert event.outcome == "denied"
