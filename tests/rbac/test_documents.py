"""The code of the how-to pages about shares and roles does what they say, and the reference lists what there is."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.dispatch import Signal
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.rbac import review, sessions, signals
from apps.rbac.activation import create_session
from apps.rbac.assignments import assign_role, assign_role_as_system
from apps.rbac.decisions import check
from apps.rbac.errors import SeparationOfDuty
from apps.rbac.membership import leave_group
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import Registry, Role
from apps.rbac.sync import sync
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, Folder

pytestmark = pytest.mark.django_db

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
HERE = {  # what the pages call the things of tests/testapp
    "patients.change_patient": "testapp.change_document",
    "patients.owner": "testapp.document_owner",
    "documents.editor": "testapp.folder_editor",
    "keys.rotate_key": "testapp.change_folder",
    "clinics.view_clinic": "testapp.view_folder",
    "clinics.view_patient": "testapp.view_document",
    "clinics.change_patient": "testapp.change_document",
    "clinics.Clinic": "testapp.Folder",
}


def blocks(page: str) -> list[str]:
    """The code of a page, in order."""
    text = (HOW_TO / page).read_text()
    for theirs, ours in HERE.items():
        text = text.replace(theirs, ours)
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(page: str, code: Sequence[str] = (), **names: Any) -> dict[str, Any]:
    """All of it, or some."""
    names |= {"in_a_week": timezone.now() + timedelta(days=7), "__name__": "testapp.roles"}
    for block in code or blocks(page):
        exec(compile(block, page, "exec"), names)
    return names


def test_an_object_is_shared_and_a_role_on_it_is_given_as_written(
    owner: User, colleague: User, document: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("share-an-object.md", request=SimpleNamespace(user=owner), colleague=colleague, patient=document)
    assert names["new"] == names["taken"] == ["testapp.change_document", "testapp.view_document"]
    assert check(colleague, "testapp.delete_document", document)
    assert RoleAssignment.objects.in_force().get(user=colleague, scope_key__contains="document").expires_at is not None
    assert "Allowed by a role.\ncolleague@example.org → Owner of a document on" in capsys.readouterr().out


def test_a_role_is_given_and_taken_back_as_written(administrator: User, colleague: User, folder: Folder) -> None:
    request = SimpleNamespace(user=administrator)
    run("give-and-review-roles.md", request=request, colleague=colleague, folder=folder)
    rows = RoleAssignment.objects.filter(user=colleague, role="testapp.folder_editor")
    assert [(row.reason, row.revoked_by) for row in rows] == [("holiday cover", administrator)]
    assert "testapp.folder_editor" not in review.assigned_roles(colleague)


def test_duties_are_separated_and_a_role_is_activated_as_written(
    registry: Registry, colleague: User, folder: Folder, document: Document
) -> None:
    page = "separate-duties.md"
    named = ("Editor", "Approver", "One", "Two", "Three", "UserAdmin", "Auditor")
    roles = {name: declare(name.lower(), permissions=frozenset({"testapp.add_folder"})) for name in named}
    *declared, activating = blocks(page)
    run(page, declared, Role=Role, timedelta=timedelta, **roles)
    sync()
    assign_role_as_system("editor", colleague, reason="test")
    with pytest.raises(SeparationOfDuty):
        assign_role_as_system("approver", colleague, reason="test")
    assign_role_as_system("keys.custodian", colleague, reason="test", expires_at=timezone.now() + timedelta(days=7))
    request: Any = SimpleNamespace(user=colleague, session={})
    imports, _, activate, drop = activating.strip().splitlines()
    proved = create_session(colleague, proved=True)
    with sessions.using(proved):
        assert not check(colleague, "testapp.change_folder", folder)
        with mock.patch.object(sessions, "of_request", return_value=proved):
            run(page, [imports, activate], request=request)
            assert check(colleague, "testapp.change_folder", folder)
            run(page, [imports, drop], request=request)
        assert not check(colleague, "testapp.change_folder", folder)


def test_a_tenant_and_a_team_are_modeled_as_written(
    registry: Registry, administrator: User, colleague: User, folder: Folder
) -> None:
    page = "model-teams-and-tenants.md"
    _, nurse, team = blocks(page)
    inside, outside = (Document.objects.create(title="p", folder=each) for each in (folder, None))
    names = run(page, [nurse], Role=Role)
    sync()
    given: dict[str, Any] = {"admin": administrator, "ben": colleague, "clinic": folder, "Group": Group}
    run(page, [team], assign_role=assign_role, Nurse=names["Nurse"], **given)
    assert list(Document.objects.for_user(colleague, "view")) == [inside]
    assert not check(colleague, "testapp.view_document", outside)
    leave_group(administrator, colleague, Group.objects.get(name="Surgery"))
    assert not check(colleague, "testapp.view_document", inside)


def reference() -> str:
    return (HOW_TO.parent / "reference" / "rbac.md").read_text()


def test_the_reference_lists_every_check_and_no_other() -> None:
    code = "".join(path.read_text() for path in (HOW_TO.parents[1] / "apps" / "rbac").glob("*.py"))
    listed = re.findall(r"^\| `(rbac\.[EW]\d+)`", reference(), re.MULTILINE)
    assert sorted(listed) == sorted(set(re.findall(r'"(rbac\.[EW]\d+)"', code)))


def test_the_reference_lists_every_signal_and_no_other() -> None:
    sent = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    part = reference().partition("## Signals")[2].partition("## System checks")[0]
    listed = [name for row in re.findall(r"^\| (`.*?`) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(sent)


def test_every_name_of_the_reference_is_there() -> None:
    for name in re.findall(r"`(apps\.rbac\.\w+\.\w+)`", reference()):
        assert callable(import_string(name)), name
