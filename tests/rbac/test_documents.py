"""The code of the how-to pages about shares and roles does what they say, and the reference lists what there is."""

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.dispatch import Signal
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.models import User
from apps.rbac import review, signals
from apps.rbac.decisions import check
from apps.rbac.models import RoleAssignment
from tests.testapp.models import Document, Folder

pytestmark = pytest.mark.django_db

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
HERE = {  # what the pages call the things of tests/testapp
    "patients.change_patient": "testapp.change_document",
    "patients.owner": "testapp.document_owner",
    "documents.editor": "testapp.folder_editor",
}


def run(page: str, **names: Any) -> dict[str, Any]:
    """All the code of a page, in order."""
    text = (HOW_TO / page).read_text()
    for theirs, ours in HERE.items():
        text = text.replace(theirs, ours)
    names["in_a_week"] = timezone.now() + timedelta(days=7)
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
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
