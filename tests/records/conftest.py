from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.records.models import Record
from tests.browser.conftest import browser, browser_thread, drive, looks, make_member  # noqa: F401 - fixtures
from tests.conftest import ClientFor

RecordOf = Callable[..., Record]

GIVEN = {
    "title": "Case 4711",
    "subject_name": "Amara Okafor",
    "national_id": "850 324-4821",
    "notes": "Allergic to penicillin.",
}


@pytest.fixture
def record_of(client_for: ClientFor) -> RecordOf:
    """`record_of(owner, title="…")`: a record made through the page, as its owner would."""

    def make(user: User, **changed: Any) -> Record:
        before = set(Record.objects.values_list("pk", flat=True))
        answer = client_for(user).post("/records/new/", GIVEN | changed)
        assert answer.status_code == 302, answer.content.decode()
        return Record.objects.exclude(pk__in=before).get()

    return make


@pytest.fixture
def record(record_of: RecordOf, owner: User) -> Record:
    """One that the owner has made and shared with nobody."""
    return record_of(owner)
