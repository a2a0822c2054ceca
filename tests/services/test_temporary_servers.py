"""The servers that other tests rely on: real, closed to others, and gone afterwards whatever happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import redis

from tests.services import postgres_binaries
from tests.services.postgres_binaries import PostgresNotFound
from tests.services.process import Account, ServiceFailed, private_folder, watched
from tests.services.temporary_postgres import temporary_postgres
from tests.services.temporary_valkey import ValkeyNotFound, temporary_valkey

ROOT = Path(__file__).parents[2]


def folder_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).hostname or ""))


def test_postgres_is_real_and_leaves_nothing_behind() -> None:
    with temporary_postgres() as url:
        with psycopg.connect(url) as connection:
            assert connection.info.server_version >= 150000
        assert folder_of(url).stat().st_mode & 0o077 == 0
    assert not folder_of(url).exists()


def test_postgres_over_loopback_refuses_a_wrong_password() -> None:
    with temporary_postgres(tcp=True) as url:
        psycopg.connect(url).close()
        parts = urlsplit(url)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(parts._replace(netloc=f"postgres:wrong@127.0.0.1:{parts.port}").geturl())


def test_postgres_ends_even_when_the_tests_are_killed() -> None:
    program = (
        "import time\nfrom tests.services.temporary_postgres import temporary_postgres\n"
        "with temporary_postgres() as url:\n    print(url, flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout is not None
        folder = folder_of(run.stdout.readline().strip())
        assert folder.exists()
        run.send_signal(signal.SIGKILL)
    assert gone_within(folder, seconds=10)


def gone_within(folder: Path, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_binaries_in_a_private_home_run_from_a_copy() -> None:
    account = Account.unprivileged()
    with private_folder("home") as home, private_folder("copies") as copies:
        programs = home / "usr" / "bin"
        programs.mkdir(parents=True)
        (programs / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.4'\n")
        (programs / "postgres").chmod(0o755)
        account.own(copies)
        found = postgres_binaries.reachable(programs, account, copies)
        assert found.is_relative_to(copies)
        subprocess.run([found / "postgres"], check=True, cwd="/", **account.identity)


def test_binaries_that_do_not_run_or_are_too_old_are_passed_over(tmp_path: Path) -> None:
    assert postgres_binaries.version_of(tmp_path) == 0
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 14.11'\n")
        (tmp_path / name).chmod(0o755)
    assert postgres_binaries.version_of(tmp_path) == 14


def test_a_wrong_postgres_folder_is_an_error_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresNotFound, match="POSTGRES_BIN"):
        postgres_binaries.find()


def test_a_given_postgres_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", "postgresql://someone@db.example.org/site")
    with temporary_postgres() as url:
        assert url == "postgresql://someone@db.example.org/site"


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    me = Account(os.geteuid(), os.getegid())
    tmp_path.chmod(0o755)
    command = ["/bin/sh", "-c", "echo the disk is full; exit 1"]
    with (
        pytest.raises(ServiceFailed, match="the disk is full"),
        watched(command, folder=tmp_path, account=me, is_ready=lambda: False),
    ):
        pass


def test_valkey_asks_for_its_password() -> None:
    with temporary_valkey() as url:
        with redis.Redis.from_url(url) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
        with redis.Redis(port=urlsplit(url).port or 0) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.get("key")


def test_no_valkey_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.services.temporary_valkey.runs", lambda program: False)
    with pytest.raises(ValkeyNotFound, match="TEST_REDIS_URL"), temporary_valkey():
        pass
