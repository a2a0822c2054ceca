"""Django's own questions, answered by the same rules; and no question of who somebody is."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, Group, Permission

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.backends import RBACBackend
from apps.rbac.protection import known_permissions
from apps.rbac.sharing import share
from tests.conftest import MakeUser
from tests.rbac.conftest import queries
from tests.testapp.models import Document

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"
BACKEND = RBACBackend()


def test_a_user_is_asked_as_everywhere_in_django(owner: User, stranger: User, document: Document) -> None:
    assert owner.has_perm(VIEW, document)
    assert owner.has_perms([VIEW, CHANGE], document)
    assert not owner.has_perm(VIEW)
    assert not stranger.has_perm(VIEW, document)
    assert not AnonymousUser().has_perm(VIEW, document)


def test_the_async_questions_have_the_same_answers(owner: User, stranger: User, document: Document) -> None:
    assert async_to_sync(owner.ahas_perm)(VIEW, document)
    assert async_to_sync(owner.ahas_perms)([VIEW, CHANGE], document)
    assert not async_to_sync(stranger.ahas_perm)(VIEW, document)
    assert async_to_sync(owner.ahas_module_perms)("testapp")
    assert not async_to_sync(owner.ahas_module_perms)("audit")
    assert async_to_sync(owner.aget_all_permissions)(document) == owner.get_all_permissions(document)


def test_all_permissions_are_those_of_roles_and_shares(
    owner: User, colleague: User, team: Group, document: Document
) -> None:
    everybody = colleague.get_all_permissions()
    assert "testapp.add_document" in everybody
    share(owner, document, colleague, "view")
    share(owner, document, team, "change")
    assert colleague.get_all_permissions() == everybody
    with queries() as asked:
        assert BACKEND.get_all_permissions(colleague, document) == everybody | {VIEW, CHANGE}
    assert len(asked) == 1


def test_a_superuser_holds_all_that_exists_and_an_inactive_one_nothing(make_user: MakeUser) -> None:
    assert make_user(is_superuser=True).get_all_permissions() == known_permissions()
    assert make_user(is_superuser=True, is_active=False).get_all_permissions() == set()


def test_an_app_is_open_to_who_holds_anything_of_it_everywhere(stranger: User, administrator: User) -> None:
    assert administrator.has_module_perms("rbac")
    assert not stranger.has_module_perms("rbac")


def test_who_holds_a_permission_is_listed_by_role_group_and_share(
    owner: User, colleague: User, stranger: User, team: Group, make_user: MakeUser, document: Document
) -> None:
    librarian, root = make_user(), make_user(is_superuser=True)
    assign_role_as_system("testapp.librarian", librarian, reason="test")
    share(owner, document, team, "view")
    assert set(BACKEND.with_perm(VIEW, obj=document)) == {owner, colleague, librarian, root}
    assert set(BACKEND.with_perm(VIEW)) == {librarian, root}
    view = Permission.objects.get(codename="view_document")
    assert set(BACKEND.with_perm(view, include_superusers=False)) == {librarian}
    librarian.is_active = False
    librarian.save()
    assert set(BACKEND.with_perm(VIEW)) == {root}
    assert set(BACKEND.with_perm(VIEW, is_active=None)) == {librarian, root}


def test_nobody_holds_a_permission_that_does_not_exist(administrator: User, settings: pytest.FixtureRequest) -> None:
    settings.RBAC_RAISE_ON_UNKNOWN = False  # type: ignore[attr-defined] # pytest-django's own
    assert not BACKEND.with_perm("nope.nope").exists()


def test_it_says_nothing_about_who_somebody_is(owner: User) -> None:
    owner.set_password("correct horse battery staple")
    owner.save()
    assert BACKEND.authenticate(None, username=owner.email, password="correct horse battery staple") is None
    assert BACKEND.get_user(owner.pk) is None
