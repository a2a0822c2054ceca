"""A process that serves looks at its database and its settings before the first request."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from apps.audit.models import Event
from config.security.startup import missing_migrations, refuse_weak_start
from tests.production import environment

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.django_db
def test_a_database_without_a_migration_is_named_with_the_command_that_helps() -> None:
    assert missing_migrations() == []
    MigrationRecorder(connection).record_unapplied("audit", "0001_initial")
    (told,) = missing_migrations()
    assert "audit.0001_initial" in told
    assert "manage.py migrate" in told


@pytest.mark.django_db
def test_a_weak_setting_stops_the_start_and_is_on_record(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(ALLOWED_HOSTS=["*"]), pytest.raises(ImproperlyConfigured) as refused:
        refuse_weak_start()
    assert "hardening.E003" in str(refused.value)
    event = Event.objects.get(action="hardening.start.refused")
    assert (event.outcome, event.severity, event.actor_type) == ("denied", "critical", "system")
    assert "hardening.E003" in event.details
    assert "hardening.E003" in next(line.getMessage() for line in caplog.records if line.name == "audit.emergency")
    assert "Name each host." in str(refused.value)


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    variables = environment(tmp_path) | {"DATABASE_URL": f"postgresql://app:hunter2@/site?host={tmp_path}"}
    started = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode != 0
    assert "DATABASE_URL: the database can't be reached" in started.stderr
    assert "The site does not start: DATABASE_URL." in started.stderr  # the line of audit.emergency
    assert "hunter2" not in started.stderr
