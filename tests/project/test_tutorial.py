"""The tutorial works as written: its files are written, its changes made and its commands run in a copy of the tree."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.project.tree import NOT_OURS, ROOT, run

TUTORIAL = ROOT / "docs" / "tutorial" / "protect-your-first-model.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^`([\w./-]+\.\w+)`", re.MULTILINE)  # a paragraph that begins with a file's name

# What a test does instead of installing again, and of serving until somebody presses Ctrl-C.
INSTEAD = {
    ". .venv/bin/activate": [],
    "make demo": ["python manage.py migrate --verbosity 0", "python manage.py demo"],
    "make run": [],
    "make test": ["pytest -q -m 'not slow' tests/patients tests/project"],
}


class Block(NamedTuple):
    language: str
    text: str
    path: str  # of the file last named before it


def blocks(markdown: str) -> Iterator[Block]:
    for fence in FENCE.finditer(markdown):
        named = NAMED.findall(markdown, 0, fence.start())
        yield Block(fence[1], fence[2], named[-1] if named else "")


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that it is said to print."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *printed = part.rstrip("\n").split("\n")
        yield command, printed


def change(path: Path, diff: str) -> None:
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name} does not hold what the tutorial changes:\n{before}"
    path.write_text(text.replace(before, after))


def perform(command: str, printed: list[str], tree: Path) -> None:
    for real in INSTEAD.get(command, [command]):
        done = run(*shlex.split(real), cwd=tree)
        assert done.returncode == 0, f"$ {real}\n{done.stdout[-5000:]}"
        for line in printed:
            assert line.partition("…")[0] in done.stdout, (
                f"$ {real}\ndoes not print {line!r} but\n{done.stdout[-5000:]}"
            )


def borrow_environment(tree: Path) -> None:
    """A .venv that is the running one, with the stamps by which make knows that nothing is to be installed."""
    (tree / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name not in (".dev", ".runtime"):
            (tree / ".venv" / part.name).symlink_to(part)
    for stamp in (".runtime", ".dev"):
        (tree / ".venv" / stamp).touch()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    copy = tmp_path / "project"
    shutil.copytree(
        ROOT, copy, ignore=lambda _, names: {name for name in names if name in NOT_OURS or name.endswith("_cache")}
    )
    borrow_environment(copy)
    return copy


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "apps" / "records").exists(), reason="the tutorial begins with a fresh clone")
def test_the_tutorial_works_as_written(tree: Path) -> None:
    steps = list(blocks(TUTORIAL.read_text()))
    assert {step.language for step in steps} == {"console", "diff", "html", "python"}
    for language, text, path in steps:
        if language == "diff":
            change(tree / path, text)
        elif language == "console":
            for command, printed in commands(text):
                perform(command, printed, tree)
        else:
            with (tree / path).open("x") as file:  # "x": each file is written once
                file.write(text)
