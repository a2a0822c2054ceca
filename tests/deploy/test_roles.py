"""deploy/postgres and `manage.py dbroles`: what the site's database role may not do, whatever code runs in the site."""

import subprocess
import sys

import psycopg
import pytest

from tests.deploy.site import Site
from tests.project.tree import ROOT

pytestmark = pytest.mark.slow
FORBIDDEN = {
    "change the audit log": "UPDATE audit_event SET action = action",
    "delete from the audit log": "DELETE FROM audit_event",
    "empty the audit log": "TRUNCATE audit_event",
    "change a seal": "UPDATE audit_leaf SET position = position",
    "delete a seal": "DELETE FROM audit_checkpoint",
    "insert a seal": "INSERT INTO audit_leaf VALUES (0, gen_random_uuid(), '')",
    "insert a checkpoint": "INSERT INTO audit_checkpoint VALUES (1000000, 'x', '')",
    "say that witnesses know": "UPDATE audit_progress SET size = 0",
    "delete an archive's excuse": "DELETE FROM audit_archive",
    "empty what witnesses have": "TRUNCATE audit_progress",
    "drop a trigger": "DROP TRIGGER append_only_rows ON audit_event",
    "replace a trigger's function": "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS int LANGUAGE sql AS ''",
    "switch a trigger off": "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "silence all triggers": "SET session_replication_role = replica",
    "make a table": "CREATE TABLE mine (id int)",
    "make a temporary table": "CREATE TEMPORARY TABLE mine (id int)",
    "drop a table": "DROP TABLE accounts_user",
    "forget a migration": "DELETE FROM django_migrations",
    "invent a permission": "UPDATE auth_permission SET codename = codename",
    "become the owner": "SET ROLE rampart_owner",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "read the server's files": "SELECT pg_read_file('/etc/passwd')",
    "make a large object": "SELECT lo_create(0)",
    "look into another database's passwords": "SELECT * FROM pg_authid",
}


@pytest.mark.asvs("13.2.2", "16.4.2")
@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_site_cannot(site: Site, statement: str) -> None:
    with psycopg.connect(site.database.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_site_can_do_its_work(site: Site) -> None:
    with psycopg.connect(site.database.app_url) as connection:
        connection.execute("SELECT FROM audit_event")
        connection.execute("UPDATE accounts_user SET name = name")
        connection.execute("DELETE FROM django_session WHERE false")


def test_reports_read_the_audit_log_and_nothing_else(site: Site) -> None:
    with psycopg.connect(site.database.report_url) as connection:
        connection.execute("SELECT FROM audit_event")
        for table in ("accounts_user", "encryption_subjectkey"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(f"SELECT id FROM {table}")


def test_only_the_sealer_seals_and_the_site_verifies(site: Site) -> None:
    with pytest.raises(AssertionError, match="permission denied for table audit_leaf"):
        site.manage("audit", "seal")
    assert "events sealed" in site.manage("audit", "seal", DATABASE_URL=site.database.seal_url)
    assert "intact" in site.manage("audit", "verify")
    assert "intact" in site.manage("audit", "verify", DATABASE_URL=site.database.seal_url)


OF_SEALER_FORBIDDEN = {
    "change an event": "UPDATE audit_event SET action = action",
    "delete a leaf": "DELETE FROM audit_leaf",
    "excuse a deletion": "INSERT INTO audit_archive VALUES (0, 1, 'x')",
    "read who there is": "SELECT FROM accounts_user",
    "read the keys of persons": "SELECT key FROM encryption_subjectkey",
    "destroy the keys of persons": "DELETE FROM encryption_subjectkey",
    "make a table": "CREATE TABLE mine (id int)",
}


@pytest.mark.asvs("13.2.2", "16.4.2")
@pytest.mark.parametrize("statement", OF_SEALER_FORBIDDEN.values(), ids=OF_SEALER_FORBIDDEN.keys())
def test_the_sealer_cannot(site: Site, statement: str) -> None:
    with psycopg.connect(site.database.seal_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_only_the_owner_archives(site: Site) -> None:
    moving = """
import django; django.setup()
from apps.audit.archiving import Run, drop
from pathlib import Path
drop(Run(0, 1), Path("x"), "00")
"""
    command = [sys.executable, "-c", moving]
    done = subprocess.run(command, cwd=ROOT, env=site.environ, capture_output=True, text=True, check=False)
    assert "permission denied for table audit_archive" in done.stderr


def rights(site: Site) -> list[tuple[str, str, str]]:
    with psycopg.connect(site.database.owner_url) as connection:
        return connection.execute(
            "SELECT table_name, grantee, string_agg(privilege_type, ' ' ORDER BY privilege_type) "
            "FROM information_schema.role_table_grants "
            "WHERE grantee IN ('rampart_app', 'rampart_report', 'rampart_seal') GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()


def test_dbroles_gives_exact_rights_again_and_again(site: Site) -> None:
    before = rights(site)
    assert ("audit_event", "rampart_app", "INSERT SELECT") in before
    assert ("audit_checkpoint", "rampart_app", "SELECT") in before
    assert ("audit_checkpoint", "rampart_seal", "INSERT SELECT") in before
    assert ("accounts_user", "rampart_app", "DELETE INSERT SELECT UPDATE") in before
    assert ("encryption_subjectkey", "rampart_app", "DELETE INSERT SELECT UPDATE") in before
    assert ("django_migrations", "rampart_app", "SELECT") in before
    with psycopg.connect(site.database.owner_url) as connection:
        connection.execute("GRANT ALL ON audit_event TO rampart_app")
        connection.execute("GRANT SELECT ON accounts_user TO rampart_report")
        connection.execute("REVOKE ALL ON audit_event FROM rampart_report")
    for _ in range(2):
        site.manage("dbroles", DATABASE_URL=site.database.owner_url)
        assert rights(site) == before


def test_dbroles_prints_what_it_would_do_and_does_nothing(site: Site) -> None:
    before = rights(site)
    told = site.manage("dbroles", "--sql", DATABASE_URL=site.database.owner_url)
    assert 'GRANT SELECT, INSERT ON "audit_event" TO "rampart_app";' in told
    assert 'REVOKE ALL ON "accounts_user" FROM "rampart_report";' in told
    assert rights(site) == before


def test_dbroles_is_the_owners(site: Site) -> None:
    with pytest.raises(AssertionError, match="not the owner's connection"):
        site.manage("dbroles")


@pytest.mark.asvs("12.3.1")
@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_a_connection_that_verifies_nothing_is_no_setting_of_the_site(site: Site, mode: str) -> None:
    weak = site.database.app_url.replace("sslmode=verify-full", f"sslmode={mode}")
    with pytest.raises(AssertionError, match=r"hardening\.E007|verify"):
        site.manage("check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=weak)
