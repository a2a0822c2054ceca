"""The sample can be deleted: its folders and two lines. What is left is whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.tree import NOT_OURS, ROOT, run

FOLDERS = ("apps/records", "templates/records", "tests/records")
LINES_IN = ("config/settings/project.py", "config/project_urls.py")
MARK = "# the sample"
# These show the sample's code, and a project without it has documents of its own. The services know no app.
LEFT_OUT = ("tests/project/test_docs.py", "tests/project/test_readme.py", "tests/services")


@pytest.fixture(scope="module")
def without_sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    copy = tmp_path_factory.mktemp("removed") / "project"
    shutil.copytree(
        ROOT, copy, ignore=lambda _, names: {name for name in names if name in NOT_OURS or "_cache" in name}
    )
    for folder in FOLDERS:
        shutil.rmtree(copy / folder, ignore_errors=True)
    for name in LINES_IN:
        kept = [line for line in (copy / name).read_text().splitlines(keepends=True) if MARK not in line]
        (copy / name).write_text("".join(kept))
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize("name", LINES_IN)
def test_one_line_names_the_sample(name: str) -> None:
    naming = [line for line in (ROOT / name).read_text().splitlines() if "records" in line]
    assert len(naming) == 1
    assert naming[0].endswith(MARK)


def test_nothing_else_names_the_sample(without_sample: Path) -> None:
    naming = [
        f"{path.relative_to(without_sample)}: {line.strip()}"
        for folder in ("apps", "config", "templates")
        for path in (without_sample / folder).rglob("*")
        if path.suffix in (".py", ".html", ".txt")
        for line in path.read_text().splitlines()
        if "apps.records" in line or "records:" in line or "records/" in line
    ]
    assert naming == []


@pytest.mark.parametrize(
    "command",
    [
        ("python", "manage.py", "check", "--settings", "config.settings.test"),
        ("python", "manage.py", "makemigrations", "--check", "--dry-run", "--settings", "config.settings.test"),
        ("lint-imports", "--no-cache"),
        ("ruff", "check", "--no-cache", "."),
    ],
    ids=["check", "migrations", "imports", "lint"],
)
def test_the_rest_is_sound(without_sample: Path, command: tuple[str, ...]) -> None:
    done = run(*command, cwd=without_sample)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_types_of_the_rest_are_right(without_sample: Path) -> None:
    done = run("mypy", cwd=without_sample)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_rest_is_green(without_sample: Path) -> None:
    left_out = [part for path in LEFT_OUT for part in ("--ignore", path)]
    done = run("python", "-m", "pytest", "-q", "-n", "2", "-m", "not slow", *left_out, cwd=without_sample)
    assert done.returncode == 0, done.stdout[-5000:]
