"""Two requests at the same moment that together would break a rule of granting: the second waits, and is refused.

The first holds its transaction open while the second begins, so what is tested does not depend on luck.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Event
from time import sleep
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role, assign_role_as_system, revoke_role
from apps.rbac.constraints import SsdSet, conflicts
from apps.rbac.decisions import check
from apps.rbac.errors import GrantRefused, LastAdministrator, MayNotGrant, SeparationOfDuty
from apps.rbac.membership import join_group
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import Registry
from apps.rbac.sharing import share
from apps.rbac.sync import sync
from tests.conftest import MakeUser
from tests.rbac.conftest import registry  # noqa: F401 - a fixture
from tests.rbac.test_roles import declare
from tests.testapp.models import Document
from tests.testapp.roles import DocumentOwner, Librarian

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
HELD = 0.4  # seconds: many times what the second needs to come to the lock

Change = Callable[[], Any]


def one_then_other(first: Change, second: Change) -> list[Any]:
    """Results or refusals. The second starts when the first has written, and before it commits."""
    written = Event()

    def holding() -> Any:
        try:
            with transaction.atomic():
                done = first()
                written.set()
                sleep(HELD)
                return done
        finally:
            written.set()
            connection.close()

    def waiting() -> Any:
        written.wait()
        try:
            with transaction.atomic():
                return second()
        except GrantRefused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return [done.result() for done in [pool.submit(holding), pool.submit(waiting)]]


@pytest.fixture
def apart(registry: Registry) -> SsdSet:  # noqa: F811 - the fixture
    for role in ("writer", "approver"):
        declare(role, permissions=frozenset({"testapp.view_folder"}))
    sync()
    return SsdSet("apart", {"writer", "approver"})


@pytest.fixture
def by(make_user: MakeUser) -> User:
    return make_user(role="admin")


@pytest.fixture
def to(make_user: MakeUser) -> User:
    return make_user()


def other_admin(make_user: MakeUser) -> User:
    return make_user(role="admin")


def test_two_grants_that_together_break_a_separation_of_duty(
    apart: SsdSet, by: User, to: User, make_user: MakeUser
) -> None:
    first, second = partial(assign_role, by, "writer", to), partial(assign_role, other_admin(make_user), "approver", to)
    results = one_then_other(first, second)
    assert isinstance(results[1], SeparationOfDuty)
    assert conflicts() == []
    assert RoleAssignment.objects.live().filter(user=to, role__in=apart.roles).count() == 1


@pytest.mark.parametrize("first_is_the_group", [True, False])
def test_a_grant_to_a_group_and_one_to_a_member(
    first_is_the_group: bool, apart: SsdSet, by: User, to: User, make_user: MakeUser
) -> None:
    team = Group.objects.create(name="Team")
    to.groups.add(team)
    changes = [
        partial(assign_role, by, "writer", team),
        partial(assign_role, other_admin(make_user), "approver", to),
    ]
    results = one_then_other(*(changes if first_is_the_group else reversed(changes)))
    assert isinstance(results[1], SeparationOfDuty)
    assert conflicts() == []


@pytest.mark.parametrize("joining_first", [True, False])
@pytest.mark.parametrize("service", [True, False])
def test_joining_a_group_and_a_grant(
    service: bool, joining_first: bool, apart: SsdSet, by: User, to: User, make_user: MakeUser
) -> None:
    team = Group.objects.create(name="Team")
    assign_role(by, "writer", team)
    join = partial(join_group, other_admin(make_user), to, team) if service else partial(to.groups.add, team)
    changes = [join, partial(assign_role, by, "approver", to)]
    results = one_then_other(*(changes if joining_first else reversed(changes)))
    assert isinstance(results[1], SeparationOfDuty)
    assert conflicts() == []


def switch_off(user: User) -> None:
    user.is_active = False
    user.save()


WAYS_OUT: dict[str, Callable[[User, User], Change]] = {
    "revoked by the other": lambda one, other: partial(revoke_role, other, "admin", one),
    "switched off": lambda one, other: partial(switch_off, one),
    "deleted": lambda one, other: partial(one.delete),
    "replaced by a term": lambda one, other: partial(
        assign_role_as_system, "admin", one, expires_at=timezone.now() + timedelta(days=1), reason="test"
    ),
}


@pytest.mark.parametrize("second", WAYS_OUT)
@pytest.mark.parametrize("first", WAYS_OUT)
def test_the_last_two_administrators_do_not_both_go(first: str, second: str, by: User, make_user: MakeUser) -> None:
    other = other_admin(make_user)
    _, refused = one_then_other(WAYS_OUT[first](by, other), WAYS_OUT[second](other, by))
    assert isinstance(refused, LastAdministrator | MayNotGrant)
    other.refresh_from_db()
    assert check(other, "rbac.manage")


def test_a_grant_waits_for_the_loss_of_the_right_to_give(by: User, to: User, make_user: MakeUser) -> None:
    boss = other_admin(make_user)
    for lose in (partial(revoke_role, boss, "admin", by), partial(switch_off, by)):
        _, refused = one_then_other(lose, partial(assign_role, by, Librarian, to))
        assert isinstance(refused, MayNotGrant)
        assert not RoleAssignment.objects.filter(user=to, role=Librarian.slug).exists()
        User.objects.filter(pk=by.pk).update(is_active=True)
        assign_role_as_system("admin", by, reason="test")


def test_a_share_waits_for_the_loss_of_the_right_to_share(by: User, to: User, make_user: MakeUser) -> None:
    owner, document = make_user(), Document.objects.create(title="new")
    assign_role(by, DocumentOwner, owner, document)
    lose = partial(revoke_role, by, DocumentOwner, owner, document)
    _, refused = one_then_other(lose, partial(share, owner, document, to, "view"))
    assert isinstance(refused, MayNotGrant)
    assert not check(to, "testapp.view_document", document)
