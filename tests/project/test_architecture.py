"""One of each: what may be done in one place only is done in no other. (Who may import whom: pyproject.toml.)"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.project.tree import lines, parsed, python_files, run

CODE = ("apps", "config")
RAW_SQL = {
    "apps/audit/bulk.py",  # a million rows in and out; by objects it takes ten times as long
    "apps/audit/outside.py",  # executes outside.sql, the triggers of AUDIT_OUTSIDE
    "apps/audit/triggers.py",
    "apps/audit/writing.py",  # executes the INSERT that Django has compiled; no SQL is written there
    "apps/encryption/swapping.py",
    "apps/rbac/queries.py",
    "config/database_roles.py",
    "config/views.py",  # asks whether the database answers
}
RAW_SQL_CALLS = {"cursor", "execute", "executemany", "extra", "raw"}
SHAPELESS = {"base", "common", "core", "helpers", "misc", "utilities", "utils"}
SUPPRESSION = re.compile(r"#\s*(noqa\b|type:\s*ignore|nosec\b|pragma: no cover|djlint:off)")
REASONED = re.compile(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\]|nosec B\d+)\s*(-|#) \w+")
MOST_SUPPRESSIONS = 60  # in apps and config; a larger number is a decision, taken in this line


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_apps_import_only_what_the_contracts_allow() -> None:
    checked = run("lint-imports", "--no-cache")
    assert checked.returncode == 0, checked.stdout


def test_views_fetch_through_a_gate() -> None:
    """`Model.objects.get(pk=…)` in a view forgets to ask who may (CWE-639)."""
    around = [
        f"{path}:{call.lineno}"
        for path in python_files(*CODE)
        if "views" in path.name or "views" in path.parts
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("get", "get_or_404")
        and ast.unparse(call.func.value).endswith(".objects")
    ]
    assert around == []


def test_raw_sql_is_written_in_one_module_an_app() -> None:
    found = {
        str(path)
        for path in python_files(*CODE)
        for call in calls(path)
        if (isinstance(call.func, ast.Attribute) and call.func.attr in RAW_SQL_CALLS)
        or (isinstance(call.func, ast.Name) and call.func.id == "RawSQL")
    }
    assert found - RAW_SQL == set()


def test_only_encryption_and_audit_call_cryptography() -> None:
    found = {
        str(path)
        for path in python_files(*CODE)
        if any(name.partition(".")[0] == "cryptography" for name in imported(path))
    }
    assert {path for path in found if not path.startswith(("apps/encryption/", "apps/audit/"))} == set()


def test_apps_know_the_user_by_the_setting() -> None:
    """An app that can be lifted into another project can't import our user model."""
    lifted_out = [path for name in ("audit", "encryption", "rbac") for path in python_files(f"apps/{name}")]
    assert [str(path) for path in lifted_out if any(name.startswith("apps.accounts") for name in imported(path))] == []


def test_every_module_is_named_after_its_subject() -> None:
    places = [path for path in python_files("apps", "config", "tests") if "settings" not in path.parts]
    assert [str(path) for path in places if SHAPELESS & {path.stem, *path.parts[:-1]}] == []


def test_every_suppression_of_a_tool_gives_its_reason_on_the_line() -> None:
    bare = [
        f"{path}:{number}: {line.strip()}"
        for path in python_files("apps", "config", "deploy")
        for number, line in enumerate(lines(path), 1)
        if SUPPRESSION.search(line) and not REASONED.search(line)
    ]
    assert bare == []


def test_suppressions_stay_few() -> None:
    found = Counter(str(path) for path in python_files(*CODE) for line in lines(path) if SUPPRESSION.search(line))
    assert found.total() <= MOST_SUPPRESSIONS, found.most_common(5)
