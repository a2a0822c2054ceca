"""Every URL of the sample against everybody, with the record of one as the object of the URL."""

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.records.roles import RecordOwner
from tests import access
from tests.records.conftest import RecordOf


@pytest.mark.asvs("8.2.1", "8.2.2", "8.3.1", "8.4.1")
@pytest.mark.django_db
def test_every_url_of_the_sample_answers_each_as_the_matrix_says(
    record_of: RecordOf, owner: User, colleague: User
) -> None:
    mine, others = record_of(owner), record_of(colleague)
    made = access.people(RecordOwner.slug, mine, others)
    wanted = access.routes(None, lambda name: name.startswith(("records:", "admin:records_")))
    rows = access.matrix(wanted, made, lambda name: {"pk": mine.pk, "user_pk": colleague.pk})
    access.assert_nobody_reaches_others(rows)
    access.compare(Path(__file__).parent / "access_matrix.csv", rows)
