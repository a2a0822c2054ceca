"""The table of declared roles follows the code, tells the difference, and never loses a role that somebody had."""

import pytest
from django.apps import apps
from django.core.management import call_command

from apps.accounts.models import User
from apps.rbac import sync
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import check
from apps.rbac.models import DeclaredRole, RoleAssignment
from apps.rbac.roles import Registry, Role, extend
from tests.rbac.conftest import Told
from tests.rbac.test_roles import declare

pytestmark = pytest.mark.django_db


def test_after_migrate_the_table_holds_the_roles_of_the_code() -> None:
    row = DeclaredRole.objects.get(slug="testapp.folder_editor")
    assert (row.label, row.app_label, row.scope_type, row.version) == (
        "Edits a folder",
        "testapp",
        "testapp.folder",
        1,
    )
    assert row.permissions == [f"testapp.{name}" for name in ("add_document", "change_document", "view_document")] + [
        "testapp.view_folder"
    ]
    assert str(row) == "Edits a folder"


def test_migrating_again_changes_and_tells_nothing(told: list[Told]) -> None:
    call_command("migrate", verbosity=0)
    assert told == []
    assert set(DeclaredRole.objects.values_list("version", flat=True)) == {1}


def test_a_changed_role_is_told_with_what_it_was_and_what_it_is(registry: Registry, told: list[Told]) -> None:
    before = sorted(registry.permissions("testapp.librarian"))
    extend("testapp.librarian", {"testapp.add_folder"})
    after = sorted([*before, "testapp.add_folder"])
    assert sync.sync() == {"testapp.librarian": [before, after]}
    assert [(each.name, each.changes) for each in told] == [("roles_synced", {"testapp.librarian": [before, after]})]
    assert DeclaredRole.objects.get(slug="testapp.librarian").version == 2
    assert sync.sync() == {}


def test_a_new_role_is_told_and_can_be_given(registry: Registry, stranger: User) -> None:
    declare("fresh", permissions=frozenset({"testapp.add_folder"}))
    assert sync.sync() == {"fresh": [None, ["testapp.add_folder"]]}
    assign_role_as_system("fresh", stranger, reason="test")
    assert check(stranger, "testapp.add_folder")


def test_a_role_gone_from_the_code_is_retired_with_its_assignments_kept_and_can_come_back(
    registry: Registry, stranger: User
) -> None:
    assign_role_as_system("testapp.librarian", stranger, reason="test")
    gone: type[Role] = registry.roles.pop("testapp.librarian")
    registry.forget()
    permissions = sorted(gone.permissions)
    assert sync.sync() == {"testapp.librarian": [permissions, None]}
    assert DeclaredRole.objects.get(slug="testapp.librarian").retired_at is not None
    assert RoleAssignment.objects.live().filter(user=stranger, role="testapp.librarian").exists()
    assert not check(stranger, "testapp.view_document")
    registry.add(gone)
    assert sync.sync() == {"testapp.librarian": [None, permissions]}
    assert check(stranger, "testapp.view_document")


def test_a_database_without_the_table_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeclaredRole._meta, "db_table", "not_there")
    sync.after_migrate(using="default", sender=apps.get_app_config("rbac"))
