"""Owns one server of the tests: `python watchdog.py FOLDER UID GID COMMAND...`. Standard library only.

The server ends and its folder is deleted when standard input reaches its end or the parent changes,
and so also after `kill -9` of the test run. Run as root, the server runs as UID and GID.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds for an orderly stop, before the server is killed


def identity(uid: int, gid: int) -> dict[str, Any]:
    """What makes a child process run as another user: only root may ask for it."""
    return {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}


def watch(folder: Path, uid: int, gid: int, command: list[str]) -> None:
    parent = os.getppid()
    with (folder / "log").open("xb") as log:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **identity(uid, gid)
        )
    while server.poll() is None and os.getppid() == parent and not select.select([0], [], [], 0.5)[0]:
        pass
    if server.poll() is None:
        stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # PostgreSQL calls it the fast shutdown; Valkey ends too
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
