"""The project's files, and how its tests run programs on them."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OF_THE_SHELL = {"HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR"}
NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__", "htmlcov"}


def files(*folders: str, suffix: str) -> Iterator[Path]:
    """The files of these folders (of the whole project when none is named), relative to its root."""
    for folder in folders or (".",):
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            relative = path.relative_to(ROOT)
            if not any(part in NOT_OURS or part.endswith("_cache") for part in relative.parts):
                yield relative


def python_files(*folders: str) -> Iterator[Path]:
    """The Python files which people write, so without migrations."""
    return (path for path in files(*folders, suffix=".py") if "migrations" not in path.parts)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def lines(path: Path) -> list[str]:
    return (ROOT / path).read_text().splitlines()


def clean_environment(**more: str) -> dict[str, str]:
    """What a developer's own shell would give: nothing of this test run."""
    kept = {name: value for name, value in os.environ.items() if name in OF_THE_SHELL}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"} | more


def run(*command: str | Path, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the project with a clean environment; standard output and error come together."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(**environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
