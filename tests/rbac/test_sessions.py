"""Roles that are held and not in use: activated in one session, for a reason, for a time, one hat at a time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac import memo, sessions
from apps.rbac.activation import (
    add_active_role,
    create_session,
    delete_session,
    drop_active_role,
    session_permissions,
    session_roles,
)
from apps.rbac.assignments import assign_role, assign_role_as_system, revoke_role
from apps.rbac.backends import RBACBackend
from apps.rbac.constraints import DsdSet
from apps.rbac.decisions import check, permissions_of, scoped
from apps.rbac.errors import MayNotActivate, SeparationOfDuty, StepUpRequired, UnknownRole
from apps.rbac.explain import explain
from apps.rbac.roles import Registry
from apps.rbac.sessions import Session
from apps.rbac.sync import sync
from tests.conftest import ClientFor
from tests.rbac.conftest import Told, queries
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, Folder

HOUR = timedelta(hours=1)
VIEW, DELETE, ADD = "testapp.view_document", "testapp.delete_document", "testapp.add_folder"


@pytest.fixture
def custodian(registry: Registry, stranger: User) -> User:
    """Holds a privileged role, by a senior of it, and a plain one that the privileged inherits from."""
    declare("viewer", permissions=frozenset({VIEW}))
    declare(
        "custodian",
        inherits=("viewer",),
        permissions=frozenset({DELETE}),
        requires_activation=True,
        max_activation=HOUR,
    )
    declare("chief_custodian", inherits=("custodian",), permissions=frozenset({ADD}))
    sync()
    assign_role_as_system("chief_custodian", stranger, reason="test")
    return stranger


@pytest.fixture
def session(custodian: User) -> Iterator[Session]:
    with memo.remembering(), sessions.using(create_session(custodian, proved=True)) as session:
        yield session


def answers(user: User, permission: str, document: Document) -> set[bool]:
    """All that decides about it; one answer if they agree."""
    rows = Document.objects.filter(pk=document.pk)
    return {
        check(user, permission, document),
        permission in permissions_of(user, document),
        scoped(rows, user, permission).exists(),
        RBACBackend().with_perm(permission, obj=document).filter(pk=user.pk).exists(),
        explain(user, permission, document).allowed,
    }


def test_a_privileged_role_is_held_and_not_in_use_until_activated(
    custodian: User, session: Session, document: Document, told: list[Told]
) -> None:
    assert answers(custodian, DELETE, document) == {False}
    assert answers(custodian, VIEW, document) == {True}, "what it inherits needs no activation"
    until = add_active_role(session, "custodian", reason="ticket 12")
    assert timedelta(0) < until - timezone.now() <= HOUR
    assert answers(custodian, DELETE, document) == {True}
    assert answers(custodian, ADD, document) == {False}, "the senior is privileged by what it inherits"
    drop_active_role(session, "custodian")
    assert answers(custodian, DELETE, document) == {False}
    sent = {"to": str(custodian), "role": "custodian"}
    assert [(each.name, each.target, each.reason, each.details) for each in told] == [
        ("role_activated", custodian, "ticket 12", {**sent, "until": until.isoformat(timespec="seconds")}),
        ("role_deactivated", custodian, "", sent),
    ]


def test_what_is_activated_counts_in_that_session_alone(custodian: User, session: Session, document: Document) -> None:
    add_active_role(session, "custodian", reason="test")
    with sessions.using(create_session(custodian)):
        assert answers(custodian, DELETE, document) == {False}


def test_another_users_roles_are_those_that_need_no_activation(
    custodian: User, session: Session, colleague: User, document: Document
) -> None:
    assign_role_as_system("custodian", colleague, reason="test")
    add_active_role(session, "custodian", reason="test")
    assert answers(colleague, DELETE, document) == {False}
    assert answers(colleague, VIEW, document) == {True}


@pytest.mark.asvs("7.5.3")
@pytest.mark.parametrize(
    ("proved", "reason", "refusal"), [(False, "ticket 12", StepUpRequired), (True, " ", MayNotActivate)]
)
def test_it_takes_a_proof_and_a_reason(
    proved: bool, reason: str, refusal: type[Exception], custodian: User, told: list[Told]
) -> None:
    session = create_session(custodian, proved=proved)
    with pytest.raises(refusal):
        add_active_role(session, "custodian", reason=reason)
    assert session.active_roles() == frozenset()
    assert [(each.name, each.target, each.details["rule"]) for each in told] == [
        ("grant_refused", custodian, refusal.__name__)
    ]
    add_active_role(create_session(custodian, proved=True), "custodian", reason="ticket 12")


def test_it_ends_by_itself(custodian: User, session: Session, document: Document) -> None:
    add_active_role(session, "custodian", reason="test", duration=timedelta(seconds=-1))
    assert answers(custodian, DELETE, document) == {False}
    add_active_role(session, "custodian", reason="test", duration=2 * HOUR)
    assert timezone.now() + HOUR >= session.backed()["custodian"]


def test_a_revocation_ends_it_and_a_new_grant_does_not_bring_it_back(
    administrator: User, custodian: User, session: Session, document: Document
) -> None:
    add_active_role(session, "custodian", reason="test")
    revoke_role(administrator, "chief_custodian", custodian)
    assert answers(custodian, DELETE, document) == {False}
    assign_role(administrator, "chief_custodian", custodian)
    next_request = Session(custodian, session.store)
    with sessions.using(next_request):
        assert next_request.active_roles() == frozenset()
        assert answers(custodian, DELETE, document) == {False}


def test_leaving_the_group_ends_it(custodian: User, team: Group, colleague: User, document: Document) -> None:
    assign_role_as_system("custodian", team, reason="test")
    session = create_session(colleague, ["custodian"], reason="test", proved=True)
    assert session.active_roles() == {"custodian"}
    colleague.groups.clear()
    assert Session(colleague, session.store).active_roles() == frozenset()


def test_who_does_not_hold_the_role_can_not_activate_it(
    custodian: User, owner: User, session: Session, told: list[Told]
) -> None:
    for role, refusal in (("custodian", MayNotActivate), ("viewer", MayNotActivate), ("unknown", UnknownRole)):
        with pytest.raises(refusal):
            create_session(owner, [role], reason="test", proved=True)
    assert [each.details["rule"] for each in told] == ["MayNotActivate", "MayNotActivate", "UnknownRole"]
    add_active_role(session, "custodian", reason="test")
    with pytest.raises(MayNotActivate, match="active already"):
        add_active_role(session, "custodian", reason="test")
    with pytest.raises(MayNotActivate, match="has not been activated"):
        drop_active_role(session, "chief_custodian")


def test_an_inactive_account_activates_nothing(custodian: User) -> None:
    custodian.is_active = False
    with pytest.raises(MayNotActivate):
        create_session(custodian, ["custodian"], reason="test", proved=True)
    assert session_permissions(create_session(custodian)) == frozenset()


def test_of_a_dsd_set_one_role_is_in_use_at_a_time(registry: Registry, stranger: User, folder: Folder) -> None:
    declare("auditor", permissions=frozenset({VIEW}))
    declare("clerk", permissions=frozenset({ADD}))
    declare("chief_clerk", inherits=("clerk",))
    DsdSet("one_hat", {"auditor", "clerk"})
    sync()
    for role in ("auditor", "chief_clerk"):
        assign_role_as_system(role, stranger, reason="test")
    with sessions.using(create_session(stranger)) as session:
        assert not check(stranger, VIEW)
        assert not check(stranger, ADD)
        add_active_role(session, "auditor")
        assert check(stranger, VIEW)
        for role in ("clerk", "chief_clerk"):
            with pytest.raises(SeparationOfDuty, match="would use at once 2 or more of auditor, clerk"):
                add_active_role(session, role)
        assert not check(stranger, ADD)
        drop_active_role(session, "auditor")
        add_active_role(session, "chief_clerk")
        assert check(stranger, ADD)
        assert session_roles(session) == {"user", "guest", "chief_clerk"}
        assert session_permissions(session) == {(ADD, ""), ("testapp.add_document", ""), *records_of_user()}
        delete_session(session)
        assert session_roles(session) == {"user", "guest"}


@pytest.mark.urls("tests.rbac.pages")
def test_a_page_opens_while_the_role_is_active_in_the_browsers_session(
    registry: Registry, administrator: User, stranger: User, client_for: ClientFor
) -> None:
    declare("reader", permissions=frozenset({VIEW}), requires_activation=True)
    sync()
    assign_role(administrator, "reader", stranger)
    browser, other = client_for(stranger), client_for(stranger)
    assert browser.get("/library/").status_code == 403
    store = browser.session
    add_active_role(Session(stranger, store, lambda: True), "reader", reason="test")
    store.save()
    assert browser.get("/library/").status_code == 200
    assert other.get("/library/").status_code == 403
    revoke_role(administrator, "reader", stranger)
    assert browser.get("/library/").status_code == 403


def records_of_user() -> set[tuple[str, str]]:
    """What the sample lets everybody do, while it is there."""
    from apps.rbac.roles import registry

    return {(each, "") for each in registry.permissions("user") if each != "testapp.add_document"}


def test_nothing_is_asked_or_read_until_a_role_needs_it(stranger: User, document: Document) -> None:
    class Untouched(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AssertionError("the session was read")

    with sessions.using(Session(stranger, Untouched())), queries() as asked:
        check(stranger, VIEW, document)
        list(Document.objects.for_user(stranger, "view"))
        RBACBackend().with_perm(VIEW).exists()
    assert len(asked) == 3
