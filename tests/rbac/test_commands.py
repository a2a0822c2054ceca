"""`manage.py rbac explain` and `rbac report`: answers for people and machines, with a status that tells."""

import json
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac import review
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.commands.report import findings
from apps.rbac.constraints import DsdSet, SsdSet
from apps.rbac.direct_writes import by_service
from apps.rbac.management.commands.rbac import Command
from apps.rbac.models import DeclaredRole, RoleAssignment
from apps.rbac.roles import Registry
from tests.rbac.conftest import queries
from tests.testapp.models import Document, Folder
from tests.testapp.roles import FolderReader, Librarian

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, int]:
    """What the command wrote, and its status."""
    output = StringIO()
    try:
        call_command("rbac", *arguments, stdout=output)
    except CommandError as error:
        return output.getvalue() + str(error), error.returncode
    return output.getvalue(), 0


@pytest.mark.parametrize("name", ["explain", "plan", "report"])
def test_help_says_what_each_command_does_and_what_its_status_means(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([], [name]):
        with pytest.raises(SystemExit) as ended:
            Command().create_parser("manage.py", "rbac").parse_args([*arguments, "--help"])
        assert ended.value.code == 0
        whole, first = words(import_module(f"apps.rbac.commands.{name}").__doc__), words(capsys.readouterr().out)
        assert (whole if arguments else whole.partition(". ")[0]) in first
    assert "Ends with status 1" in whole


def words(text: str | None) -> str:
    return " ".join(str(text).split())


def test_an_explanation_is_a_status_and_reasons_in_plain_words(owner: User, stranger: User, document: Document) -> None:
    key = f"testapp.document:{document.pk}"
    said, status = run("explain", "OWNER@example.org", "testapp.change_document", key)
    assert status == 0
    assert said.startswith("Allowed by a role.\nowner@example.org → Owner of a document on")
    said, status = run("explain", stranger.email, "testapp.change_document", key)
    assert status == 1
    assert "Refused: no role and no share allows it." in said
    assert "owner@example.org can give it" in said


def test_an_explanation_in_json_is_one_object(owner: User) -> None:
    said, status = run("explain", owner.email, "testapp.view_document", "--json")
    answer = json.loads(said.removesuffix("Refused."))
    assert (answer["allowed"], answer["rule"], answer["object"], status) == (False, "nothing", "", 1)


@pytest.mark.parametrize(("person", "obj"), [("nobody@example.org", ""), ("owner@example.org", "testapp.document:1")])
def test_a_question_about_nobody_or_nothing_is_told_apart_from_a_refusal(owner: User, person: str, obj: str) -> None:
    _, status = run("explain", person, "testapp.view_document", *filter(None, [obj]))
    assert status == 2


def kinds(days: int = 30) -> set[str]:
    return {each.kind for each in findings(timedelta(days=days))}


def test_a_site_where_nothing_is_wrong_reports_nothing(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.rbac.checks.every_permission_is_in_a_role", list)
    assert run("report") == ("Nothing is wrong.\n", 0)
    assert json.loads(run("report", "--json")[0]) == {"findings": []}


def test_a_powerful_role_without_an_end_is_reported(administrator: User) -> None:
    said, status = run("report")
    assert "no end     administrator@example.org has the role admin on everything without an end" in said
    assert status == 1


def test_roles_that_ended_or_will_soon_are_listed_and_are_not_wrong(
    owner: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.rbac.checks.every_permission_is_in_a_role", list)
    now = timezone.now()
    assign_role_as_system(Librarian, owner, expires_at=now - timedelta(days=1), reason="test")
    assign_role_as_system(Librarian, colleague, expires_at=now + timedelta(days=20), reason="test")
    assert kinds() == {"ended", "ends soon"}
    assert kinds(days=10) == {"ended"}
    assert run("report")[1] == 0


def test_a_retired_role_that_somebody_still_has_is_reported(colleague: User) -> None:
    DeclaredRole.objects.create(slug="testapp.gone", label="Gone", retired_at=timezone.now())
    with by_service():
        RoleAssignment.objects.create(user=colleague, role_id="testapp.gone")
    assert "retired" in kinds()


def test_who_holds_roles_that_exclude_each_other_is_reported(
    colleague: User, folder: Folder, registry: Registry
) -> None:
    assign_role_as_system(Librarian, colleague, reason="test")
    assign_role_as_system(FolderReader, colleague, folder, reason="test")
    assert "conflict" not in kinds()
    SsdSet("read_once", {Librarian, FolderReader})
    assert "colleague@example.org holds 2 or more of the set read_once" in run("report")[0]


def test_rights_outside_of_roles_are_reported(colleague: User) -> None:
    assert "elsewhere" not in kinds()
    colleague.user_permissions.add(Permission.objects.first())  # type: ignore[arg-type] # there are some
    assert "elsewhere" in kinds()


def test_a_report_does_not_read_what_there_is_nothing_to_say_of(owner: User, make_user: Any) -> None:
    with queries() as few:
        list(findings(timedelta(days=30)))
    for _ in range(10):
        make_user()
    with queries() as many:
        list(findings(timedelta(days=30)))
    assert len(many) == len(few) <= 12


def test_sets_of_roles_are_reviewed_under_the_standards_names(registry: Registry) -> None:
    SsdSet("read_once", {Librarian, FolderReader})
    DsdSet("one_hat", {Librarian, FolderReader, "user"}, n=3)
    assert "read_once" in review.ssd_role_sets()
    assert review.ssd_role_set_roles("read_once") == {"testapp.librarian", "testapp.folder_reader"}
    assert review.ssd_role_set_cardinality("read_once") == 2
    assert "one_hat" in review.dsd_role_sets()
    assert review.dsd_role_set_roles("one_hat") == {"testapp.librarian", "testapp.folder_reader", "user"}
    assert review.dsd_role_set_cardinality("one_hat") == 3
    for function in (review.ssd_role_set_roles, review.dsd_role_set_cardinality):
        with pytest.raises(KeyError):
            function("nothing")
