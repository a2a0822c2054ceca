from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from apps.audit import outside
from apps.audit.models import Event


@pytest.fixture
def nothing_from_outside(db: None, settings: Settings) -> Iterator[None]:
    """PostgreSQL watches too what the test does with tracked rows, and finds that all of it was told."""
    if connection.vendor == "postgresql":
        settings.AUDIT_OUTSIDE = True
        outside.install()
    yield
    connection.check_constraints()  # as a commit would
    settings.AUDIT_OUTSIDE = False
    outside.install()
    assert not Event.objects.filter(action__startswith="audit.row.").exists()
