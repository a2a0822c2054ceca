"""`manage.py rbac plan`: a change of the roles is a line of a review, and tells how many people it reaches."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.checks import assignments_fit_the_roles
from apps.rbac.constraints import DsdSet, SsdSet
from apps.rbac.roles import Registry, extend
from tests.project.tree import ROOT, run
from tests.rbac.test_roles import declare
from tests.testapp.models import Folder

DAY = timedelta(days=1)
LIBRARIAN, READER, EDITOR = "testapp.librarian", "testapp.folder_reader", "testapp.folder_editor"

Plan = Callable[..., str]


@pytest.fixture
def plan(registry: Registry, settings: Any, tmp_path: Path) -> Plan:
    """`plan("--json")`; the lock file says what the roles were before the test."""
    settings.RBAC_LOCK = tmp_path / "rbac.lock"

    def run_plan(*arguments: str) -> str:
        out = StringIO()
        try:
            call_command("rbac", "plan", *arguments, stdout=out)
        except CommandError as error:
            out.write(f"status {error.returncode}: {error}")
        return out.getvalue()

    run_plan("--offline", "--write")
    return run_plan


def test_nothing_changed_nothing_to_do(plan: Plan, db: None) -> None:
    assert plan() == "The lock file is up to date.\n"
    assert json.loads(plan("--json")) == {
        "stale": False,
        "changes": [],
        "rules": [],
        "conflicts": {},
        "left_behind": {},
    }


def test_a_permission_more_is_told_with_how_many_people_and_scopes_it_reaches(
    plan: Plan, stranger: User, colleague: User, team: Group, folder: Folder
) -> None:
    assign_role_as_system(EDITOR, stranger, folder, reason="test")
    assign_role_as_system(EDITOR, team, folder, reason="test")
    assign_role_as_system(EDITOR, team, Folder.objects.create(name="other"), reason="test")
    extend(READER, {"testapp.delete_document"})
    told = plan("--json")
    assert json.loads(told.partition("status")[0])["changes"] == [
        {
            "role": role,
            "kind": "changed",
            "gained": ["testapp.delete_document"],
            "lost": [],
            "people": people,
            "scopes": scopes,
        }
        for role, people, scopes in ((EDITOR, 2, 2), (READER, 0, 0))
    ]
    assert "status 1: The lock file differs" in told


def test_writing_makes_the_lock_up_to_date_and_one_line_says_what_changed(plan: Plan, settings: Any, db: None) -> None:
    before = settings.RBAC_LOCK.read_text().splitlines()
    extend(LIBRARIAN, {"testapp.add_folder"})
    assert "testapp.librarian (changed); gained testapp.add_folder: 0 people, 0 scopes" in plan("--write")
    assert plan() == "The lock file is up to date.\n"
    after = settings.RBAC_LOCK.read_text().splitlines()
    assert [line.strip() for line in after if line not in before] == ['"testapp.add_folder",']


def test_a_new_role_and_one_that_is_gone_are_told(plan: Plan, registry: Registry) -> None:
    declare("fresh", permissions=frozenset({"testapp.add_folder"}))
    del registry.roles[LIBRARIAN]
    told = plan("--offline")
    assert "fresh (new); gained testapp.add_folder\n" in told
    assert "testapp.librarian (gone); lost testapp.view_document, testapp.view_folder\n" in told


def test_who_would_break_a_separation_of_duty_is_listed_and_what_a_lost_role_leaves_behind_is_counted(
    plan: Plan, registry: Registry, stranger: User, colleague: User, team: Group
) -> None:
    for user, role in ((stranger, LIBRARIAN), (colleague, LIBRARIAN), (stranger, "guest")):
        assign_role_as_system(role, user, reason="test")
    SsdSet("apart", {LIBRARIAN, "guest"})
    told = plan()
    assert "changed: ssd.apart\n" in told
    assert f"SSD apart: 2 people hold too many of its roles: {stranger.pk}, {colleague.pk}\n" in told
    assert [message.id for message in assignments_fit_the_roles(databases=["default"])] == ["rbac.E302"]
    registry.ssd.clear()
    del registry.roles[LIBRARIAN]
    registry.forget()
    assert f"{LIBRARIAN} is not declared: its 2 assignments grant nothing\n" in plan()
    assert [message.id for message in assignments_fit_the_roles(databases=["default"])] == ["rbac.W303"]
    assert list(assignments_fit_the_roles(databases=None)) == []


def test_a_change_of_terms_scope_or_inheritance_is_told_too(plan: Plan, registry: Registry, db: None) -> None:
    declare("fresh", permissions=frozenset({"testapp.add_folder"}))
    plan("--write")
    del registry.roles["fresh"]
    declare("fresh", permissions=frozenset({"testapp.add_folder"}), max_duration=DAY, requires_activation=True)
    DsdSet("one_hat", {"fresh", "admin"})
    told = plan("--offline")
    assert told.splitlines()[:3] == [
        "changed: dsd.one_hat",
        "changed: fresh.max_duration",
        "changed: fresh.requires_activation",
    ]


@pytest.mark.skipif(not (ROOT / "apps" / "records").exists(), reason="the committed lock holds the sample's roles too")
def test_the_committed_lock_is_up_to_date() -> None:
    done = run("python", "-m", "tests.deploy.in_production", "python", "manage.py", "rbac", "plan", "--offline")
    assert (done.returncode, done.stdout) == (0, "The lock file is up to date.\n")
