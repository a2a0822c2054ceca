"""The access log says who asked for which page, and nothing that opens a door."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


@pytest.mark.asvs("16.2.5")
def test_the_token_of_a_mailed_link_is_not_logged(client: Client, logged: list[Any]) -> None:
    client.get("/accounts/password/reset/key/1-abc-hunter2/?next=hunter2")
    assert [line["event"] for line in logged] == ["request"]
    assert "hunter2" not in str(logged)
    assert logged[0]["route"].startswith("/accounts/password/reset/key/")


def test_an_address_that_is_no_page_is_logged_as_it_was_tried(client: Client, logged: list[Any]) -> None:
    client.get("/wp-login.php?password=hunter2")
    assert logged[0]["path"] == "/wp-login.php"
    assert logged[0]["status"] == 404
    assert "hunter2" not in str(logged)
