"""A PostgreSQL with TLS whose roles deploy/postgres/roles.sql has made."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.deploy.certificates import Authority
from tests.services import postgres_binaries
from tests.services.temporary_postgres import temporary_postgres

SQL = Path(__file__).resolve().parents[2] / "deploy" / "postgres"


@dataclass(frozen=True)
class Database:
    administrator_url: str
    owner_url: str
    app_url: str
    report_url: str
    seal_url: str
    psql: Path


@contextmanager
def site_database(authority: Authority, folder: Path) -> Iterator[Database]:
    """Empty, with its four roles. Raises PostgresNotFound when no PostgreSQL here speaks TLS."""
    with temporary_postgres(certificate=authority.server) as superuser_url:
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE rampart TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        parts = urlsplit(superuser_url)._replace(path="/rampart")
        passwords = {role: secrets.token_urlsafe(24) for role in ("owner", "app", "report", "seal")}
        psql = postgres_binaries.find(tls=True).folder / "psql"
        given = {f"{role}_password": password for role, password in passwords.items()}
        for _ in range(2):  # running it again is safe
            run_sql(psql, parts.geturl(), SQL / "roles.sql", **given)
        tls = f"sslmode=verify-full&sslrootcert={authority.certificate}&channel_binding=require"
        urls = {
            role: parts._replace(netloc=f"rampart_{role}:{password}@127.0.0.1:{parts.port}", query=tls).geturl()
            for role, password in passwords.items()
        }
        yield Database(parts.geturl(), urls["owner"], urls["app"], urls["report"], urls["seal"], psql)


def run_sql(psql: Path, url: str, file: Path, **variables: str) -> None:
    given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    command = [str(psql), "-X", "-q", "-d", url, *given, "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}, check=False)
    assert done.returncode == 0, done.stderr
