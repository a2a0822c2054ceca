"""For how long a role is given: not longer than it may be, nor than who gives it has the right to."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role, assign_role_as_system, revoke_role
from apps.rbac.decisions import check
from apps.rbac.errors import BeyondTerm, MayNotGrant, SelfGrant, UnknownRole
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import Registry
from apps.rbac.sharing import share
from apps.rbac.sync import sync
from tests.conftest import MakeUser
from tests.rbac.conftest import Told
from tests.rbac.test_roles import declare
from tests.testapp.models import Document
from tests.testapp.roles import DocumentOwner, Librarian

DAY = timedelta(days=1)


def rules(told: list[Told]) -> list[str]:
    return [each.details["rule"] for each in told if each.name == "grant_refused"]


@pytest.fixture
def passing(make_user: MakeUser) -> User:
    """An administrator for two days."""
    made = make_user(email="passing@example.org")
    assign_role_as_system("admin", made, expires_at=timezone.now() + 2 * DAY, reason="test")
    return made


def test_nobody_gives_for_longer_than_his_own_right_lasts(passing: User, stranger: User, told: list[Told]) -> None:
    for until in (None, timezone.now() + 3 * DAY):
        with pytest.raises(BeyondTerm, match=r"Your own right ends on .* Give it until then at the latest"):
            assign_role(passing, Librarian, stranger, expires_at=until)
    assert rules(told) == ["BeyondTerm", "BeyondTerm"]
    assert not RoleAssignment.objects.filter(role="testapp.librarian").exists()
    assign_role(passing, Librarian, stranger, expires_at=timezone.now() + DAY)
    assert revoke_role(passing, Librarian, stranger)


def test_the_longest_of_several_rights_counts(passing: User, stranger: User, registry: Registry) -> None:
    declare("lasting", permissions=frozenset({"rbac.manage", "rbac.bind_role"}))
    sync()
    assign_role_as_system("lasting", passing, reason="test")
    assert assign_role(passing, Librarian, stranger).expires_at is None


def test_who_has_what_he_gives_for_a_time_gives_it_for_no_longer(
    stranger: User, colleague: User, registry: Registry
) -> None:
    declare("clerk", permissions=frozenset({"rbac.manage"}))
    sync()
    assign_role_as_system("clerk", stranger, reason="test")
    assign_role_as_system(Librarian, stranger, expires_at=timezone.now() + DAY, reason="test")
    with pytest.raises(BeyondTerm):
        assign_role(stranger, Librarian, colleague)
    assert assign_role(stranger, "clerk", colleague).expires_at is None


def test_a_grantor_whose_right_has_expired_gives_nothing(make_user: MakeUser, stranger: User, told: list[Told]) -> None:
    expired = make_user()
    assign_role_as_system("admin", expired, expires_at=timezone.now() - DAY, reason="test")
    with pytest.raises(MayNotGrant, match=r"It takes rbac\.manage"):
        assign_role(expired, Librarian, stranger, expires_at=timezone.now() - 2 * DAY)
    assert rules(told) == ["MayNotGrant"]


def test_a_share_has_no_end_so_who_may_share_for_a_time_shares_nothing(
    document: Document, stranger: User, colleague: User
) -> None:
    assign_role_as_system(DocumentOwner, stranger, document, expires_at=timezone.now() + DAY, reason="test")
    with pytest.raises(BeyondTerm):
        share(stranger, document, colleague, "view")
    assign_role(stranger, DocumentOwner, colleague, document, expires_at=timezone.now() + DAY / 2)
    assert check(colleague, "testapp.view_document", document)


def test_nobody_extends_his_own_role(passing: User, told: list[Told]) -> None:
    with pytest.raises(SelfGrant):
        assign_role(passing, "admin", passing, expires_at=timezone.now() + DAY)
    assert RoleAssignment.objects.live().filter(user=passing, role="admin").count() == 1
    assert rules(told) == ["SelfGrant"]


def test_a_role_with_a_longest_term_is_given_for_that_at_most_by_whomever(
    administrator: User, stranger: User, registry: Registry
) -> None:
    declare("short", max_duration=DAY, permissions=frozenset({"testapp.view_folder"}))
    declare("shorter", inherits=("short",), max_duration=2 * DAY)
    sync()
    for until in (None, timezone.now() + DAY + timedelta(minutes=1)):
        with pytest.raises(BeyondTerm, match="for 1 day, 0:00:00 at most"):
            assign_role(administrator, "shorter", stranger, expires_at=until)
        with pytest.raises(BeyondTerm):
            assign_role_as_system("short", stranger, expires_at=until, reason="test")
    begin = timezone.now() + 5 * DAY
    assert assign_role(administrator, "shorter", stranger, starts_at=begin, expires_at=begin + DAY).starts_at == begin


def test_a_role_that_is_gone_from_the_code_is_taken_but_not_given(
    administrator: User, stranger: User, colleague: User, registry: Registry, told: list[Told]
) -> None:
    assign_role(administrator, Librarian, stranger)
    del registry.roles["testapp.librarian"]
    registry.forget()
    with pytest.raises(UnknownRole, match="There are: admin"):
        assign_role(administrator, Librarian, colleague)
    assert rules(told) == ["UnknownRole"]
    assert revoke_role(administrator, Librarian, stranger)


def test_a_grantor_who_was_switched_off_meanwhile_gives_nothing(
    administrator: User, stranger: User, make_user: MakeUser
) -> None:
    make_user(role="admin")
    User.objects.filter(pk=administrator.pk).update(is_active=False)
    assert administrator.is_active, "what the request still believes"
    with pytest.raises(MayNotGrant):
        assign_role(administrator, Librarian, stranger)
