"""What a log line is made of: JSON, with the request's id, and without secrets, even in a traceback."""

import json
import logging
import logging.config
import sys
from typing import Any

import pytest
import structlog
from django.conf import settings

MARKER = "hunter2"


def line(record: logging.LogRecord) -> dict[str, Any]:
    """The record as the formatter of production writes it."""
    formatter = dict(settings.LOGGING["formatters"]["structured"])
    made = formatter.pop("()")(**formatter)
    written: dict[str, Any] = json.loads(made.format(record))
    return written


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("site").makeRecord(
        "site", logging.ERROR, "file", 1, message, arguments, extra.pop("exc_info", None), extra=extra
    )


@pytest.mark.asvs("16.2.1")
@pytest.mark.asvs("16.2.4")
def test_a_line_is_json_and_says_when_where_and_for_which_request() -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        written = line(record("saved %s", "it"))
    assert written["event"] == "saved it"
    assert written["request_id"] == "abc"
    assert written["logger"] == "site"
    assert written["level"] == "error"
    assert written["timestamp"].endswith("Z")


@pytest.mark.asvs("16.2.5")
def test_what_is_logged_under_a_secret_name_is_left_out() -> None:
    assert MARKER not in json.dumps(line(record("signed in", password=MARKER)))


@pytest.mark.asvs("16.2.5")
def test_a_traceback_shows_no_local_variables() -> None:
    def fails(password: str) -> None:
        raise RuntimeError("failed")

    try:
        fails(MARKER)
    except RuntimeError:
        written = json.dumps(line(record("failed", exc_info=sys.exc_info())))
    assert "RuntimeError" in written
    assert MARKER not in written


@pytest.mark.asvs("16.4.1")
def test_a_line_break_in_a_value_does_not_begin_a_new_line() -> None:
    written = record("from %s", "a\nERROR forged")
    formatter = dict(settings.LOGGING["formatters"]["structured"])
    assert "\n" not in formatter.pop("()")(**formatter).format(written)
