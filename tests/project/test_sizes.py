"""Every line is one that an adopter owns, and has to understand."""

import ast
import io
import tokenize
from pathlib import Path

from tests.project.tree import ROOT, lines, parsed, python_files

MOST_LINES = 12_000  # of code in apps and config, without tests and migrations
KIT = ("apps/accounts", "apps/audit", "apps/encryption", "apps/rbac", "apps/records", "config")  # not an adopter's apps
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_THE_SAMPLE = 400
SPACING = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
LONGER: dict[str, int] = {}  # file: its lines, with the reason why it is one subject


def size(*folders: str) -> int:
    """Lines of code as cloc counts them: no blank lines, comments or docstrings, so that explaining costs nothing."""
    return sum(len(code_lines(path)) for path in python_files(*folders))


def code_lines(path: Path) -> set[int]:
    tokens = tokenize.generate_tokens(io.StringIO((ROOT / path).read_text()).readline)
    code = [token for token in tokens if token.type not in SPACING]
    return {line for token in code for line in range(token.start[0], token.end[0] + 1)} - docstring_lines(path)


def docstring_lines(path: Path) -> set[int]:
    texts = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Expr) and is_text(node.value)]
    return {line for text in texts for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)}


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_the_kit_stays_small_enough_to_be_read() -> None:
    assert size(*KIT) <= MOST_LINES


def test_a_file_has_one_subject() -> None:
    long = {str(path): len(lines(path)) for path in python_files("apps", "config", "tests", "deploy")}
    assert {path: count for path, count in long.items() if count > LONGER.get(path, MOST_LINES_OF_A_FILE)} == {}


def test_the_list_of_longer_files_is_up_to_date() -> None:
    assert [path for path in LONGER if path not in map(str, python_files())] == []


def test_the_sample_shows_everything_in_few_lines() -> None:
    assert size("apps/records") <= MOST_LINES_OF_THE_SAMPLE


def test_explanations_do_not_count_as_code(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        '"""What it\nis."""\n\n# Why.\nA = (\n    1,\n)\n\n\ndef f() -> str:\n    """F."""\n    return """a\nb"""\n'
    )
    assert code_lines(path) == {5, 6, 7, 10, 12, 13}
