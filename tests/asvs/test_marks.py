"""The marks by which tests say which requirement of OWASP ASVS 5.0 they prove. `requirements.csv`: ids and levels."""

import ast
import csv
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
REQUIREMENTS = {row["id"] for row in csv.DictReader((TESTS / "asvs" / "requirements.csv").read_text().splitlines())}


def marked() -> Iterator[tuple[str, str]]:
    """File and id of each `@pytest.mark.asvs(...)`."""
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.asvs":
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), f"{path}: an id is written out, to be found by search"
                    yield str(path.relative_to(TESTS)), str(argument.value)


def test_every_mark_names_a_requirement_that_exists() -> None:
    marks = list(marked())
    assert marks
    assert [(path, number) for path, number in marks if number not in REQUIREMENTS] == []
