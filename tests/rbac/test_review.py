"""The review functions say what sets say: UA and RH as the standard writes them, built here from plain tuples."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.rbac import review
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import check
from apps.rbac.errors import UnknownRole
from apps.rbac.sharing import share
from tests.rbac.conftest import queries
from tests.rbac.test_consistency import NUMBER, ROLES, SCOPES, USER_KIND, World
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, FolderEditor, FolderReader, Librarian

JUNIORS = {"testapp.folder_editor": {"testapp.folder_reader"}, "user": {"guest"}, "admin": {"user", "guest"}}
OWN = {
    "testapp.librarian": {"view_document", "view_folder"},
    "testapp.folder_reader": {"view_document", "view_folder"},
    "testapp.folder_editor": {"view_document", "view_folder", "add_document", "change_document"},
    "testapp.document_owner": {"change_document", "delete_document", "share_document", "view_document"},
}


def authorized(slugs: set[str]) -> set[str]:
    return slugs.union(*(JUNIORS.get(slug, set()) for slug in slugs))


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(
    kinds=st.lists(USER_KIND, min_size=3, max_size=3),
    memberships=st.sets(st.tuples(NUMBER, NUMBER), max_size=4),
    roles=st.lists(ROLES, max_size=8),
)
def test_assigned_and_authorized_are_what_the_sets_say(
    kinds: list[str], memberships: set[tuple[int, int]], roles: list[Any]
) -> None:
    with transaction.atomic():
        world = World(kinds, memberships)
        last: dict[Any, str] = {}
        for slug, to_group, who, where, term in roles:
            world.assign(slug, to_group, who, where, term)
            last[slug, to_group, who, where if SCOPES[slug] else None] = term  # a new term replaces the former
        assigned: dict[int, set[str]] = {n: {"user"} for n in range(3)}
        for (slug, to_group, who, _), term in last.items():
            if term == "now":
                for n in {person for person, group in memberships if group == who} if to_group else {who}:
                    assigned[n].add(slug)
        for n, person in enumerate(world.people):
            assert review.assigned_roles(person) == assigned[n]
            assert review.authorized_roles(person) == authorized(assigned[n])
            names = {name for name, _ in review.user_permissions(person)}
            granted = {f"testapp.{each}" for slug in assigned[n] for each in OWN.get(slug, set())}
            assert {each for each in names if each in granted} == (granted if person.is_active else set())
        for slug in SCOPES:
            assert {*review.assigned_users(slug)} == {world.people[n] for n in range(3) if slug in assigned[n]}
            expected = {world.people[n] for n in range(3) if slug in authorized(assigned[n])}
            assert {*review.authorized_users(slug)} == expected
        for person, document in zip(world.people, world.documents, strict=False):
            names = {f"testapp.{each}_document" for each in ("add", "change", "delete", "share", "view")}
            assert review.user_operations_on_object(person, document) == {
                name for name in names if check(person, name, document)
            }
        transaction.set_rollback(True)


def test_a_permission_of_a_user_has_its_place(colleague: User, folder: Folder) -> None:
    assign_role_as_system(FolderReader, colleague, folder, reason="test")
    place = f"testapp.folder:{folder.pk}"
    assert ("testapp.view_document", place) in review.user_permissions(colleague)
    assert ("testapp.view_document", "") not in review.user_permissions(colleague)


def test_what_a_role_allows_on_an_object_depends_on_where_it_reaches(document: Document, folder: Folder) -> None:
    view, change = "testapp.view_document", "testapp.change_document"
    assert review.role_operations_on_object(FolderEditor, document) >= {view, change}
    assert review.role_operations_on_object(DocumentOwner, document) >= {view, change}
    assert review.role_operations_on_object(DocumentOwner, folder) == frozenset()
    assert review.role_operations_on_object(Librarian, document) == {view}
    assert review.role_permissions(FolderEditor) > review.role_permissions(FolderReader)


def test_who_got_a_share_has_no_role_by_it(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, "view")
    by_role = {"testapp.add_document"}
    assert review.user_operations_on_object(colleague, document) == {"testapp.view_document"} | by_role
    assert review.assigned_roles(colleague) == {"user"}


def test_members_of_a_group_are_assigned_its_roles(colleague: User, stranger: User, team: Group) -> None:
    assign_role_as_system(Librarian, team, reason="test")
    assert {*review.assigned_users(Librarian)} == {colleague}


def test_a_role_that_nobody_declares_is_an_error() -> None:
    for function in (review.assigned_users, review.authorized_users, review.role_permissions):
        with pytest.raises(UnknownRole):
            function("testapp.nobody")


def test_a_review_asks_little(owner: User, document: Document) -> None:
    for function, most in (
        (lambda: [*review.authorized_users("user")], 1),
        (lambda: review.authorized_roles(owner), 1),
        (lambda: review.user_permissions(owner), 1),
        (lambda: review.role_permissions("user"), 0),
        (lambda: review.user_operations_on_object(owner, document), 3),
    ):
        with queries() as asked:
            function()
        assert len(asked) <= most
