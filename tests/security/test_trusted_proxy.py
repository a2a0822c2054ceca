"""Whose word is taken for the client's address and scheme."""

from ipaddress import ip_address

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from config.security.trusted_proxy import TrustedProxyMiddleware


def seen(peer: str, proxies: tuple[str, ...] = ("10.0.0.0/24",), **headers: str) -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=peer, **{f"HTTP_{name}": value for name, value in headers.items()})
    with override_settings(TRUSTED_PROXIES=list(proxies)):
        TrustedProxyMiddleware(lambda _: HttpResponse())(request)
    return request


def address(peer: str, forwarded: str) -> str:
    return str(seen(peer, X_FORWARDED_FOR=forwarded).META["REMOTE_ADDR"])


def test_the_proxy_says_who_the_client_is() -> None:
    assert address("10.0.0.7", "203.0.113.9") == "203.0.113.9"


@pytest.mark.asvs("4.1.3")
def test_a_client_can_not_say_who_it_is() -> None:
    assert address("203.0.113.9", "198.51.100.1") == "203.0.113.9"


def test_what_a_client_wrote_before_the_proxy_is_not_read() -> None:
    assert address("10.0.0.7", "6.6.6.6, 203.0.113.9") == "203.0.113.9"


def test_proxies_behind_each_other_are_passed() -> None:
    assert address("10.0.0.7", "203.0.113.9, 10.0.0.8") == "203.0.113.9"


def test_a_hop_that_is_no_address_ends_the_walk() -> None:
    assert address("10.0.0.7", "203.0.113.9, unknown") == "10.0.0.7"


def test_the_zone_of_an_address_is_no_part_of_it() -> None:
    """Any text fits there: each would be a caller of its own to the lock-out, and none fits an inet column."""
    assert address("10.0.0.7", "fe80::1%'; a very long story") == "fe80::1"
    assert address("10.0.0.7", "::1%eth0") == "::1"
    assert seen("fe80::7%eth0", ("fe80::/64",), X_FORWARDED_FOR="203.0.113.9").META["REMOTE_ADDR"] == "203.0.113.9"


def test_a_mapped_ipv4_address_is_the_same_client() -> None:
    assert address("10.0.0.7", "::ffff:203.0.113.9") == "203.0.113.9"
    assert seen("::ffff:10.0.0.7", X_FORWARDED_FOR="203.0.113.9").META["REMOTE_ADDR"] == "203.0.113.9"


@pytest.mark.asvs("4.1.3")
def test_a_forged_scheme_is_not_believed() -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert not seen("203.0.113.9", X_FORWARDED_PROTO="https").is_secure()
        assert seen("10.0.0.7", X_FORWARDED_PROTO="https").is_secure()


@pytest.mark.parametrize("name", ["FORWARDED", "X_REAL_IP", "X_FORWARDED_HOST", "X_FORWARDED_PORT"])
def test_headers_that_nothing_needs_are_removed_even_from_the_proxy(name: str) -> None:
    assert f"HTTP_{name}" not in seen("10.0.0.7", **{name: "evil.example"}).META


def test_a_socket_is_trusted_only_when_told() -> None:
    assert seen("", ("unix",), X_FORWARDED_FOR="203.0.113.9").META["REMOTE_ADDR"] == "203.0.113.9"
    assert seen("", (), X_FORWARDED_FOR="203.0.113.9").META["REMOTE_ADDR"] == "127.0.0.1"


@given(st.text(max_size=60))
def test_no_forwarded_text_becomes_something_else_than_an_address(forwarded: str) -> None:

    ip_address(address("10.0.0.7", forwarded))
