"""Which database the tests run on: SQLite, or with TEST_DATABASE=postgresql a real PostgreSQL brought up for them."""

import atexit
import os
import secrets
from contextlib import ExitStack
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.services.temporary_postgres import temporary_postgres

CHOICES = ("sqlite", "postgresql")
OWNER = "rampart_owner"


def choose() -> None:
    """Set DATABASE_URL before Django reads its settings. The workers of pytest-xdist inherit it, and start nothing."""
    choice = os.environ.get("TEST_DATABASE", "sqlite")
    if choice not in CHOICES:
        raise SystemExit(f"TEST_DATABASE={choice!r} is not one of {', '.join(CHOICES)}.")
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    os.environ.pop("DATABASE_URL", None)  # a developer's own database is no place for tests
    if choice == "postgresql":
        server = ExitStack()
        atexit.register(server.close)
        os.environ["DATABASE_URL"] = make_owner(server.enter_context(temporary_postgres()))


def make_owner(superuser_url: str) -> str:
    """The URL of a role that owns its databases and is no superuser: migrations and triggers must not need more."""
    password = secrets.token_urlsafe(24)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        taken = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN CREATEDB NOSUPERUSER NOCREATEROLE PASSWORD {}").format(
                sql.SQL("ALTER" if taken else "CREATE"), sql.Identifier(OWNER), sql.Literal(password)
            )
        )
    parts = urlsplit(superuser_url)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{OWNER}:{password}@{address}").geturl()
