"""AUDIT_OUTSIDE under the database roles of production: whoever writes past the site is named by the role."""

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.deploy.database import SQL, run_sql
from tests.project.tree import ROOT, clean_environment
from tests.services import postgres_binaries
from tests.services.temporary_postgres import temporary_postgres

OWNER = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
settings.AUDIT_OUTSIDE = True
call_command("migrate", verbosity=0)
"""
SITE = """
import django; django.setup()
from django.db import transaction
from tests.testapp.models import Author
with transaction.atomic():
    with transaction.atomic():
        author = Author.objects.create(name="Ann")
    author.born = 1775
    author.save()
"""
AUDITOR = """
import django; django.setup()
from django.core.management import call_command
call_command("audit", "seal")
call_command("audit", "verify")
"""


@pytest.mark.slow
@pytest.mark.asvs("13.2.2")
def test_under_the_roles_of_production_psql_is_told_of_and_the_site_is_not(tmp_path: Path) -> None:
    """On a server of its own, since roles are of a whole server."""
    with temporary_postgres() as url:
        server = url.replace("/postgres?", "/rampart?")
        psql = postgres_binaries.find().folder / "psql"
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute("CREATE DATABASE rampart TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        run_sql(psql, server, SQL / "roles.sql", owner_password="o", app_password="a", report_password="r")
        owner, site = (re.sub(r"//[^@]*@", f"//rampart_{role}:{role[0]}@", server) for role in ("owner", "app"))
        for program, role in ((OWNER, owner), (SITE, site)):
            python(program, role)
        for statement in (
            "UPDATE testapp_author SET born = 1",
            "INSERT INTO testapp_author (name, password) VALUES ('', '')",
        ):
            subprocess.run([psql, "-X", "-q", "-d", site, "-c", statement], check=True, cwd=tmp_path)
        assert "intact" in python(AUDITOR, site)
        with psycopg.connect(site) as connection:
            told = connection.execute(
                "SELECT action, details FROM audit_event WHERE target_type = 'testapp.author' ORDER BY id"
            )
            assert told.fetchall() == [
                ("testapp.author.created", "{}"),
                ("testapp.author.changed", "{}"),
                ("audit.row.changed", '{"operation":"update","user":"rampart_app"}'),
                ("audit.row.created", '{"operation":"insert","user":"rampart_app"}'),
            ]


def python(program: str, url: str) -> str:
    environ = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "TEST_DATABASE": "postgresql", "DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=clean_environment(**environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
