"""`make demo` is the first thing that anybody sees: it works on a bare machine, or says what is missing."""

import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tests.project.tree import ROOT, run

NEEDED = ("awk", "bash", "cat", "cut", "dirname", "make", "rm", "sh", "sort", "tail", "touch")


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A home, and a folder of programs without any Python, beside a copy of what make needs."""
    for name in NEEDED:
        script(tmp_path / "bin" / name, f'exec {shutil.which(name)} "$@"')
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")
    shutil.copy(ROOT / "Makefile", tmp_path / "project")
    return tmp_path


def on(machine: Path, *command: str, path: str = "") -> tuple[int, str]:
    done = run(
        "/usr/bin/env", "-i", f"HOME={machine}", f"PATH={path or machine / 'bin'}", *command, cwd=machine / "project"
    )
    return done.returncode, done.stdout.strip()


def test_a_shim_that_does_not_start_and_a_python_that_is_too_old_are_passed_over(machine: Path) -> None:
    script(machine / "bin" / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    script(machine / "bin" / "python3", "exit 1")
    good = machine / ".pyenv" / "versions" / "3.12.1" / "bin" / "python3"
    script(good, f'exec {sys.executable} "$@"')
    assert on(machine, ".ci/find-python") == (0, sys.executable)


def test_no_python_at_all_says_how_to_get_one(machine: Path) -> None:
    status, told = on(machine, "make", "demo")
    assert status != 0
    assert "Rampart needs Python 3.12 or newer" in told
    assert "apt install python3" in told
    assert not (machine / "project" / ".venv").exists()


def test_a_python_without_venv_says_how_to_get_it(machine: Path) -> None:
    script(machine / "bin" / "python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    (machine / "project" / "requirements").mkdir()
    (machine / "project" / "requirements" / "dev.txt").touch()
    (machine / "project" / ".ci" / "find-python").write_text(f"#!/bin/sh\necho {machine / 'bin' / 'python3'}\n")
    status, told = on(machine, "make", "install")
    assert status != 0
    assert "apt install python3-venv" in told


def test_a_taken_port_is_told_before_anything_is_made(machine: Path) -> None:
    script(machine / "bin" / "python3", f'exec {sys.executable} "$@"')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, told = on(machine, "make", "demo", f"PORT={port}")
    assert status != 0
    assert f"Port {port} is taken" in told
    assert not (machine / "project" / ".venv").exists()


def test_an_install_that_fails_leaves_no_stamp(machine: Path) -> None:
    script(machine / "bin" / "python3", f'exec {sys.executable} "$@"')
    requirements = machine / "project" / "requirements"
    requirements.mkdir()
    (requirements / "runtime.txt").write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    (machine / ".config" / "pip").mkdir(parents=True)
    (machine / ".config" / "pip" / "pip.conf").write_text("[global]\nno-index = true\n")
    status, _ = on(machine, "make", ".venv/.runtime")
    assert status != 0
    assert not (machine / "project" / ".venv" / ".runtime").exists()


def test_help_lists_every_target_for_people() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = run("make", "help").stdout
    targets = set(re.findall(r"^\.PHONY: (\S+)", makefile, re.MULTILINE)) - {"free-port"}
    assert [name for name in targets if f"make {name} " not in listed] == []


def test_the_steps_of_ci_are_run_by_name_and_stop_at_the_first_failure(machine: Path) -> None:
    tools = ("python", "pytest", "ruff", "djangofmt", "djlint", "mypy", "lint-imports", "bandit")
    for name in tools:
        script(machine / "project" / ".venv" / "bin" / name, "echo this is fine")
    script(machine / "project" / ".venv" / "bin" / "mypy", "echo error: a type is wrong; exit 1")
    status, told = on(machine, ".ci/steps")
    assert status != 0
    assert "error: a type is wrong" in told
    assert "types failed" in told
    assert "imports" not in told
