"""Secrets stay out of the log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.security.redaction import REDACTED, redact
from config.security.request_id import request_id_of

MARKER = "hunter2"


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize("name", ["password", "new_password1", "SECRET_KEY", "api_token", "Authorization", "sessionid"])
def test_what_a_name_calls_secret_is_left_out_at_any_depth(name: str) -> None:
    event = redact(None, "info", {"event": "x", name: MARKER, "form": {name: MARKER}, "list": [{name: [MARKER]}]})
    assert MARKER not in str(event)
    assert event[name] == REDACTED


def test_a_key_id_is_no_secret() -> None:
    assert redact(None, "info", {"key_id": "0a0b0c0d"}) == {"key_id": "0a0b0c0d"}


def test_the_trace_of_the_proxy_becomes_the_request_id() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert request_id_of(f"00-{trace}-00f067aa0ba902b7-01") == trace


@given(st.text())
def test_any_other_traceparent_gives_a_fresh_id(text: str) -> None:
    first, second = request_id_of(text), request_id_of(text)
    assert len(first) == 32
    assert first != second


@pytest.mark.asvs("16.2.5")
def test_the_name_of_an_encrypted_field_is_left_out_too() -> None:
    event = redact(None, "info", {"event": "x", "national_id": MARKER, "form": {"notes": [MARKER]}, "found": 1})
    assert MARKER not in str(event)
    assert (event["event"], event["found"]) == ("x", 1)
