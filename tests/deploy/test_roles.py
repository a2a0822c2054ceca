"""deploy/postgres: what the site's database role may not do, whatever code runs in the site."""

import psycopg
import pytest

from tests.deploy.site import Site

pytestmark = pytest.mark.slow
FORBIDDEN = {
    "change the audit log": "UPDATE audit_event SET action = action",
    "delete from the audit log": "DELETE FROM audit_event",
    "empty the audit log": "TRUNCATE audit_event",
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
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM accounts_user")


@pytest.mark.asvs("12.3.1")
@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_a_connection_that_verifies_nothing_is_no_setting_of_the_site(site: Site, mode: str) -> None:
    weak = site.database.app_url.replace("sslmode=verify-full", f"sslmode={mode}")
    with pytest.raises(AssertionError, match=r"hardening\.E007|verify"):
        site.manage("check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=weak)
