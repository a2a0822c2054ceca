"""A lock file of the roles that is damaged stops the plan, in words that name the file, what is wrong and the cure."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.rbac import lock
from apps.rbac.roles import registry

ROLE = {"inherits": [], "permissions": ["testapp.view_folder"], "scope": ""}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def file(settings: Any, tmp_path: Path) -> Path:
    settings.RBAC_LOCK = tmp_path / "rbac.lock"
    return tmp_path / "rbac.lock"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "Expecting value: line 1 column 1"),
        ('<<<<<<< HEAD\n{"roles": {}}', "Expecting value: line 1 column 1"),
        ('{"roles": {', "line 1 column 12"),
        ("[]", "indices must be integers"),
        ("{}", "it has no 'roles'"),
        ('{"roles": []}', "no attribute 'items'"),
        (json.dumps({"roles": {"user": {"inherits": [], "scope": ""}}}), "it has no 'permissions'"),
        (json.dumps({"roles": {"user": {**ROLE, "permissions": [7]}}}), "the role user names 7, which is no text"),
        (json.dumps({"roles": {}, "ssd": []}), "no attribute 'items'"),
        (b"\xff\xfe", "can't decode byte"),
    ],
)
def test_the_error_names_the_file_what_is_wrong_and_the_cure(file: Path, written: str | bytes, problem: str) -> None:
    file.write_bytes(written if isinstance(written, bytes) else written.encode())
    for options in ([], ["--write"]):
        with pytest.raises(CommandError) as refused:
            call_command("rbac", "plan", "--offline", *options)
        said = str(refused.value)
        assert said.startswith(f"{file} can't be read as a lock file of the roles: ")
        assert problem in said
        assert "Take it from version control again; or delete it, run `manage.py rbac plan --write`" in said


def test_the_cure_helps(file: Path) -> None:
    file.write_text("{")
    file.unlink()
    call_command("rbac", "plan", "--offline", "--write")
    call_command("rbac", "plan", "--offline")


def test_a_folder_in_its_place_is_named_too(file: Path) -> None:
    file.mkdir()
    with pytest.raises(lock.MalformedLock, match="Is a directory"):
        lock.written()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    content=JSON
    | st.fixed_dictionaries({"roles": JSON | st.dictionaries(st.text(max_size=4), JSON), "ssd": JSON})
    | st.fixed_dictionaries(
        {"roles": st.dictionaries(st.just("user"), st.fixed_dictionaries(dict.fromkeys(ROLE, JSON)))}
    )
)
def test_whatever_json_it_holds_is_compared_or_refused_in_words(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content))
    try:
        before = lock.written()
    except lock.MalformedLock:
        return
    after = lock.declared(registry)
    lock.changes(before, after)
    lock.rules_changed(before, after)
