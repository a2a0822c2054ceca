"""Conformance to ANSI INCITS 359: any sequence of its commands leaves apps.rbac and the standard's sets in agreement.

Hypothesis makes up the commands, wrong ones too. Both sides must refuse the same, and afterwards answer every review
function and every CheckAccess alike. The names are few, so that commands meet.
"""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from apps.rbac import activation, review, sessions
from apps.rbac.decisions import check
from apps.rbac.roles import registry
from tests import factories
from tests.rbac.administration import Kit, restore, snapshot
from tests.rbac.oracle import Refused, Standard
from tests.testapp.models import Document

users = st.sampled_from(["ann", "ben", "cem"])
roles = st.sampled_from(["r.a", "r.b", "r.c", "r.d", "r.e"])
names = st.sampled_from(["one", "two"])
kinds = st.sampled_from(["ssd", "dsd"])
numbers = st.integers(min_value=1, max_value=4)
PERMISSIONS = [f"testapp.{verb}_document" for verb in ("add", "change", "delete")]
permissions = st.sampled_from(PERMISSIONS)


class Conformance(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.declared = snapshot()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.standard, self.kit = Standard(), Kit(factories.make_user(role="admin"))
        self.document = Document.objects.create(title="any")

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)
        restore(self.declared)

    def both(self, command: str, *arguments: Any) -> None:
        try:
            getattr(self.standard, command)(*arguments)
        except Refused:
            with pytest.raises(Refused):
                self.kit.run(command, *arguments)
        else:
            self.kit.run(command, *arguments)

    @initialize()
    def begin(self) -> None:
        """Empty sets refuse nearly everything: begin with some."""
        for user in ("ann", "ben"):
            self.both("add_user", user)
        for role in ("r.a", "r.b", "r.c", "r.d"):
            self.both("add_role", role)
        for permission, role in zip(PERMISSIONS, ("r.a", "r.b", "r.c"), strict=True):
            self.both("grant_permission", permission, role)

    @rule(user=users)
    def add_user(self, user: str) -> None:
        self.both("add_user", user)

    @rule(user=users)
    def delete_user(self, user: str) -> None:
        self.both("delete_user", user)

    @rule(role=roles)
    def add_role(self, role: str) -> None:
        self.both("add_role", role)

    @rule(role=roles)
    def delete_role(self, role: str) -> None:
        self.both("delete_role", role)

    @rule(user=users, role=roles)
    def assign_user(self, user: str, role: str) -> None:
        self.both("assign_user", user, role)

    @rule(user=users, role=roles)
    def deassign_user(self, user: str, role: str) -> None:
        self.both("deassign_user", user, role)

    @rule(permission=permissions, role=roles)
    def grant_permission(self, permission: str, role: str) -> None:
        self.both("grant_permission", permission, role)

    @rule(permission=permissions, role=roles)
    def revoke_permission(self, permission: str, role: str) -> None:
        self.both("revoke_permission", permission, role)

    @rule(senior=roles, junior=roles)
    def add_inheritance(self, senior: str, junior: str) -> None:
        self.both("add_inheritance", senior, junior)

    @rule(senior=roles, junior=roles)
    def delete_inheritance(self, senior: str, junior: str) -> None:
        self.both("delete_inheritance", senior, junior)

    @rule(kind=kinds, name=names, members=st.frozensets(roles, min_size=1, max_size=4), n=numbers)
    def create_set(self, kind: str, name: str, members: frozenset[str], n: int) -> None:
        self.both("create_set", kind, name, members, n)

    @rule(kind=kinds, name=names)
    def delete_set(self, kind: str, name: str) -> None:
        self.both("delete_set", kind, name)

    @rule(kind=kinds, name=names, role=roles)
    def add_role_member(self, kind: str, name: str, role: str) -> None:
        self.both("add_role_member", kind, name, role)

    @rule(kind=kinds, name=names, role=roles)
    def delete_role_member(self, kind: str, name: str, role: str) -> None:
        self.both("delete_role_member", kind, name, role)

    @rule(kind=kinds, name=names, n=numbers)
    def set_cardinality(self, kind: str, name: str, n: int) -> None:
        self.both("set_cardinality", kind, name, n)

    @rule(name=names, user=users, active=st.lists(roles, max_size=2, unique=True).map(tuple))
    def create_session(self, name: str, user: str, active: tuple[str, ...]) -> None:
        self.both("create_session", name, user, active)

    @rule(name=names)
    def delete_session(self, name: str) -> None:
        self.both("delete_session", name)

    @rule(name=names, role=roles)
    def add_active_role(self, name: str, role: str) -> None:
        self.both("add_active_role", name, role)

    @rule(name=names, role=roles)
    def drop_active_role(self, name: str, role: str) -> None:
        self.both("drop_active_role", name, role)

    @invariant()
    def roles_agree(self) -> None:
        for role in self.standard.roles:
            allowed = self.standard.role_permissions([role])
            assert self.emails(review.assigned_users(role)) == self.standard.assigned_users(role)
            assert self.emails(review.authorized_users(role)) == self.standard.authorized_users(role)
            assert review.role_permissions(role) == allowed
            assert review.role_operations_on_object(role, self.document) == allowed

    @invariant()
    def users_agree(self) -> None:
        for name, user in self.kit.users.items():
            assert review.assigned_roles(user) == self.standard.assigned_roles(name)
            assert review.authorized_roles(user) == self.standard.authorized_roles(name)
            assert review.user_permissions(user) == {(each, "") for each in self.standard.user_permissions(name)}

    @invariant()
    def sets_agree(self) -> None:
        for kind in ("ssd", "dsd"):
            declared = {name: (each.roles, each.n) for name, each in getattr(registry, kind).items()}
            assert declared == {name: (each.roles, each.n) for name, each in self.standard.sets(kind).items()}

    @invariant()
    def sessions_agree(self) -> None:
        assert self.kit.sessions.keys() == self.standard.sessions.keys()
        for name in self.standard.sessions:
            session, allowed = self.kit.session(name), self.standard.session_permissions(name)
            assert activation.session_roles(session) == self.standard.session_roles(name)
            assert activation.session_permissions(session) == {(each, "") for each in allowed}
            with sessions.using(session):
                assert {each for each in PERMISSIONS if check(session.user, each)} == allowed
                assert review.user_operations_on_object(session.user, self.document) == allowed

    @staticmethod
    def emails(found: Any) -> set[str]:
        return {user.email.partition("@")[0] for user in found}


@pytest.mark.django_db
def test_any_sequence_of_the_standards_commands_leaves_both_in_agreement(settings: Any) -> None:
    settings.RBAC_DEFAULT_ROLE = ""
    run_state_machine_as_test(Conformance, settings=MODERATE)


MODERATE = settings(
    max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
