"""What another site may make a browser send here: a link, and nothing else."""

import pytest
from django.test import RequestFactory

from config.security.fetch_metadata import allowed


def verdict(method: str, site: str, mode: str, dest: str) -> bool:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    return allowed(RequestFactory().generic(method, "/", headers=headers))


def test_our_own_pages_may_send_anything() -> None:
    assert verdict("POST", "same-origin", "cors", "empty")
    assert verdict("GET", "none", "navigate", "document")


def test_a_link_from_another_site_leads_here() -> None:
    assert verdict("GET", "cross-site", "navigate", "document")


@pytest.mark.asvs("3.5.1")
@pytest.mark.parametrize(
    ("method", "mode", "dest"),
    [
        ("POST", "navigate", "document"),
        ("GET", "no-cors", "image"),
        ("GET", "navigate", "iframe"),
        ("GET", "no-cors", "script"),
        ("GET", "cors", "document"),
        ("DELETE", "cors", "empty"),
    ],
)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_sends_nothing_else(site: str, method: str, mode: str, dest: str) -> None:
    assert not verdict(method, site, mode, dest)


def test_an_old_browser_without_the_headers_is_let_through_to_the_csrf_check() -> None:
    assert allowed(RequestFactory().post("/"))
