"""The code that the README shows is the code that runs."""

import re

import pytest

from tests.project.tree import ROOT

BLOCK = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text())


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("path", "code"), BLOCKS, ids=[f"{place} {path}" for place, (path, _) in enumerate(BLOCKS, 1)])
def test_the_readme_shows_code_that_is_really_there(path: str, code: str) -> None:
    if not (ROOT / path).exists() and "records" in path:
        pytest.skip("the README shows the sample, which is removed")
    assert squeezed(code) in squeezed((ROOT / path).read_text())


def test_every_block_of_the_readme_names_its_file() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.count("```python") == len(BLOCKS)


def test_the_two_commands_stand_at_the_top_of_the_readme() -> None:
    top = (ROOT / "README.md").read_text().splitlines()[:20]
    assert [command for command in ("make demo", "make test") if not any(command in line for line in top)] == []


def test_the_pictures_of_the_readme_are_there() -> None:
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', (ROOT / "README.md").read_text())
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []
