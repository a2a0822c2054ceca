"""Each says what happened and what to do next, also when there is nothing to build a page from."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from apps.accounts.models import User
from config.templatetags.waiting import wait

PAGES = ["400.html", "403.html", "403_csrf.html", "404.html", "413.html", "429.html", "500.html"]
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|data:", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES)
def test_an_error_page_renders_from_nothing(page: str) -> None:
    html = render_to_string(page)  # as Django does for 400 and 500

    assert html.count("<h1>") == 1
    assert '<main class="wrap' in html
    assert 'href="/"' in html


@pytest.mark.parametrize("page", PAGES)
def test_an_error_page_holds_nothing_inline(page: str) -> None:
    assert not INLINE.search(render_to_string(page))


@pytest.mark.parametrize("page", PAGES)
def test_an_error_page_gives_the_reference_of_its_request(page: str) -> None:
    assert "0af7651916cd43dd" in render_to_string(page, {"request_id": "0af7651916cd43dd"})


def test_the_page_of_a_fault_touches_no_database() -> None:
    # Without the mark that allows it, any query in this test would raise.
    request = RequestFactory().get("/")
    assert "Something went wrong on our side" in render_to_string("500.html", request=request)


def test_too_many_attempts_says_when_to_try_again() -> None:
    assert "You can try again in 2 minutes." in render_to_string("429.html", {"retry_after": 100})
    assert "Try again in a few minutes." in render_to_string("429.html")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 second"), (30, "30 seconds"), (91, "2 minutes"), (120, "2 minutes"), (121, "3 minutes")],
)
def test_a_waiting_time_is_never_understated(seconds: int, said: str) -> None:
    assert wait(seconds) == said


@pytest.mark.django_db
def test_an_unknown_address_gives_the_page_of_404(stranger: User, client: Client) -> None:
    client.force_login(stranger, backend="apps.accounts.backends.SignInBackend")
    answer = client.get("/no/such/page/")

    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content
    assert b"Traceback" not in answer.content
