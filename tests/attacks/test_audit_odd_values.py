"""SQLite stores bytes, or no UUID, where the log keeps text and ids: what hides a row so is found by `verify`."""

import pytest
from django.db import connection

from apps.audit.models import Event
from apps.audit.verification import verify
from tests.attacks.test_audit_tampering import found, kinds, log, on

__all__ = ["log"]
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.asvs("16.4.2"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps the types of its columns"),
]


@pytest.mark.parametrize("column", [name for name in Event.COLUMNS if name not in ("id", "schema")])
def test_a_text_made_bytes_so_that_no_filter_finds_it_is_found(column: str, log: list[Event]) -> None:
    on(log[5], f"{column} = CAST({column} AS BLOB)")
    assert found() == [("event changed", str(log[5].pk))]


@pytest.mark.parametrize(("key", "more"), [("'\x1b[2Jx'", {"event inserted"}), ("CAST(id AS BLOB)", set())])
def test_an_id_that_is_none_hides_nothing(key: str, more: set[str], log: list[Event]) -> None:
    on(log[6], "ip = '6.6.6.6'")
    on(log[5], f"id = {key}")
    assert kinds() == {"event missing", "event changed"} | more
    assert not any("\x1b" in finding.where for finding in verify().findings)
