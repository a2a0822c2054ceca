"""Every address of the site refuses a stranger, or is on the list of public ones with its reason."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.rbac.policies import policy_of, public_views

SAMPLES = {"uuid": "01890000-0000-7000-8000-000000000000", "int": "1", "str": "x", "slug": "x", "path": "x"}
PUBLIC = {
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
    "csp_reports",
    "health_live",
    "health_ready",
    "metrics",  # asks for a token of its own: tests/settings/test_metrics.py
}


def patterns(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, prefix + str(pattern.pattern))
        else:
            yield prefix, pattern


def address(prefix: str, pattern: URLPattern) -> str:
    """The pattern's address with sample values, or with a sample for each group of a regular expression."""
    if converters := getattr(pattern.pattern, "converters", None):
        route = str(pattern.pattern)
        for name, converter in converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower()
            kind = "str" if kind == "string" else kind
            route = route.replace(f"<{name}>", SAMPLES[kind]).replace(f"<{kind}:{name}>", SAMPLES[kind])
        return prefix + route
    route = str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
    route = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route)
    for group in ("(?P<uidb36>[0-9A-Za-z]+)", "(?P<key>.+)", "(?P<key>[-:\\w]+)"):
        route = route.replace(group, "x")
    return prefix + route


ROUTES = [(pattern.name or str(pattern.pattern), address(prefix, pattern), pattern) for prefix, pattern in patterns()]


@pytest.mark.asvs("8.3.1")
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize(("name", "url", "pattern"), [pytest.param(*route, id=route[1]) for route in ROUTES])
def test_a_stranger_is_sent_to_sign_in_unless_the_page_is_public(
    name: str, url: str, pattern: URLPattern, method: str
) -> None:
    if name in PUBLIC:
        return
    response = getattr(Client(), method)(url)
    assert response.status_code == 302, f"{method} {url} answers {response.status_code}"
    assert response["Location"].startswith("/accounts/login/")


def test_every_address_declares_its_policy() -> None:
    undeclared = [url for _, url, pattern in ROUTES if policy_of(pattern.callback) is None]
    assert undeclared == []


def test_the_public_pages_are_the_known_ones_and_each_has_its_reason() -> None:
    found = {name: reason for name, _, reason in public_views()}
    assert set(found) == PUBLIC
    assert all(len(reason) > 20 for reason in found.values())
