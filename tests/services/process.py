"""How a throw-away server runs: in a folder of its own, as a user without rights, watched until the tests end."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services import watchdog

START_SECONDS = 30.0


class ServiceFailed(RuntimeError):
    """A server that was found does not start; the message ends with its log."""


@dataclass(frozen=True)
class Account:
    """Who runs the server: this user, or `nobody` when this user is root (PostgreSQL refuses to run as root)."""

    uid: int
    gid: int

    @classmethod
    def unprivileged(cls) -> "Account":
        user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        return cls(user.pw_uid, user.pw_gid)

    @property
    def identity(self) -> dict[str, Any]:
        return watchdog.identity(self.uid, self.gid)

    def own(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.uid, self.gid)


@contextmanager
def private_folder(name: str) -> Iterator[Path]:
    """A folder that is gone afterwards. It lies in /tmp: the path of a socket has 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix=f"rampart-{name}-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def watched(
    command: Sequence[str | Path], *, folder: Path, account: Account, is_ready: Callable[[], bool]
) -> Iterator[None]:
    """Run the command until the block ends. Raises ServiceFailed when it does not become ready."""
    who = [str(account.uid), str(account.gid)]
    watcher = subprocess.Popen(
        [sys.executable, "-I", watchdog.__file__, folder, *who, *command],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C at the terminal reaches the tests, which then end the server in order
        cwd="/",
        env=plain_environment(),
    )
    try:
        _wait(watcher, folder / "log", is_ready)
        yield
    finally:
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait(2 * watchdog.PATIENCE)


def _wait(watcher: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if watcher.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(f"The server did not start:\n{log.read_text() if log.exists() else '(no log)'}")
        time.sleep(0.03)


def plain_environment() -> dict[str, str]:
    """This environment without what changes a server's language, time or connection."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
