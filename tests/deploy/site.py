"""The whole site on loopback, as an operator runs it: nginx and PostgreSQL with TLS, gunicorn, roles, Valkey."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.certificates import Authority, issue
from tests.deploy.database import Database, site_database
from tests.production import environment
from tests.project.tree import ROOT, clean_environment
from tests.services.process import free_port
from tests.services.temporary_valkey import temporary_valkey

NAME = "app.example.org"  # as deploy/nginx/site.conf has it
START_SECONDS = 30.0


@dataclass(frozen=True)
class Site:
    authority: Authority
    database: Database
    environ: Mapping[str, str]
    folder: Path
    application_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    https_port: int = field(default_factory=free_port)

    def manage(self, *arguments: str, **environ: str) -> str:
        """What `manage.py` prints, under production settings. Raises CalledProcessError."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env={**self.environ, **environ}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log(self) -> str:
        return (self.folder / "gunicorn.log").read_text()


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Raises PostgresNotFound when no PostgreSQL here speaks TLS."""
    with ExitStack() as services:
        authority = issue(folder)
        database = services.enter_context(site_database(authority, folder))
        redis_url = services.enter_context(temporary_valkey())
        site = Site(authority, database, variables(folder, database.app_url, redis_url), folder)
        site.manage("migrate", "--verbosity", "0", DATABASE_URL=database.owner_url)
        site.manage("collectstatic", "--no-input", "--verbosity", "0")
        services.enter_context(serving(site))
        services.enter_context(proxying(site))
        yield site


def variables(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    return (
        clean_environment()
        | environment(folder)
        | {
            "ALLOWED_HOSTS": NAME,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "METRICS_TOKEN": secrets.token_urlsafe(32),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REDIS_URL": redis_url,
            "SITE_URL": f"https://{NAME}",
            "STATIC_ROOT": str(folder / "static"),
            "TRUSTED_PROXIES": "127.0.0.1",
        }
    )


def gunicorn(*options: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "deploy" / "gunicorn.conf.py"), *options]


@contextmanager
def serving(site: Site) -> Iterator[None]:
    command = gunicorn("--bind", f"127.0.0.1:{site.application_port}")
    with running(command, site.folder / "gunicorn.log", site.application_port, site.environ):
        yield


@contextmanager
def proxying(site: Site) -> Iterator[None]:
    (site.folder / "site.conf").write_text(configuration(site))
    user = "user root;" if os.geteuid() == 0 else ""  # the test's folder is closed to nginx's own user
    temporary = "".join(
        f"{kind}_temp_path {site.folder}/{kind};" for kind in ("client_body", "fastcgi", "proxy", "scgi", "uwsgi")
    )
    (site.folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {site.folder}/nginx.pid; error_log stderr warn; worker_processes 1; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; {temporary} include {site.folder}/site.conf; }}\n"
    )
    command = [program("nginx"), "-e", "stderr", "-p", str(site.folder), "-c", str(site.folder / "nginx.conf")]
    with running(command, site.folder / "nginx.log", site.https_port, os.environ):
        yield


def configuration(site: Site) -> str:
    """deploy/nginx/site.conf with the ports and paths of this test, and nothing else changed."""
    text = (ROOT / "deploy" / "nginx" / "site.conf").read_text()
    text = re.sub(r"^\s*listen \[::\].*\n", "", text, flags=re.MULTILINE)
    for there, here in {
        "127.0.0.1:8000": f"127.0.0.1:{site.application_port}",
        "listen 80": f"listen 127.0.0.1:{site.http_port}",
        "listen 443": f"listen 127.0.0.1:{site.https_port}",
        "/etc/rampart/tls/chain.pem": str(site.authority.server.chain),
        "/etc/rampart/tls/key.pem": str(site.authority.server.key),
        "/srv/rampart/staticfiles/": f"{site.folder}/static/",
        "/var/log/nginx/": f"{site.folder}/",
    }.items():
        assert there in text, f"site.conf has no {there} any more"
        text = text.replace(there, here)
    return text


def program(name: str) -> str:
    """Its path; Debian keeps servers where a user's PATH does not lead. Raises FileNotFoundError."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return found
    raise FileNotFoundError(f"{name} is not installed")


@contextmanager
def running(command: list[str], log: Path, port: int, environ: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the block ends, and stop it by its process id."""
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not accepts(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(40)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
