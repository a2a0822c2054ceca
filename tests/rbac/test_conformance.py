"""Conformance to ANSI INCITS 359: any sequence of its commands leaves apps.rbac and the standard's sets in agreement.

Hypothesis makes up the commands, wrong ones too. Both sides must refuse the same, and afterwards answer every review
function and every CheckAccess alike. The names are few, so that commands meet.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

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
numbers = st.sampled_from([2, 2, 3, 1, 4])
PERMISSIONS = [f"testapp.{verb}_document" for verb in ("add", "change", "delete")]
permissions = st.sampled_from(PERMISSIONS)


EVERY = 8  # accepted commands to a review of everything, which asks much; sessions are compared after each

accepted: Counter[str] = Counter()
refused: Counter[str] = Counter()


@pytest.fixture
def without_default_role(settings: Any) -> None:
    settings.RBAC_DEFAULT_ROLE = ""


def one_of(data: Any, there: Iterable[Any], otherwise: Any) -> Any:
    """Something that is there, if anything is."""
    return data.draw(st.sampled_from(sorted(there)) if there else otherwise)


class Conformance(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.declared = snapshot()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.standard, self.kit = Standard(), Kit(factories.make_user(role="admin"))
        self.accepted = 0
        self.document = Document.objects.create(title="any")

    def teardown(self) -> None:
        try:
            self.all_agree()
        finally:
            transaction.set_rollback(True)
            self.whole.__exit__(None, None, None)
            restore(self.declared)

    def both(self, command: str, *arguments: Any) -> None:
        try:
            getattr(self.standard, command)(*arguments)
        except Refused as expected:
            refused[str(expected)] += 1
            with pytest.raises(Refused):
                self.kit.run(command, *arguments)
        else:
            self.kit.run(command, *arguments)
            self.accepted, accepted[command] = self.accepted + 1, accepted[command] + 1
            self.sessions_agree()
            if self.accepted % EVERY == 0:
                self.all_agree()

    @initialize(
        assigned=st.lists(st.tuples(users, roles), max_size=5),
        inherited=st.lists(st.tuples(roles, roles), max_size=4),
        apart=st.lists(st.tuples(kinds, st.frozensets(roles, min_size=2, max_size=3)), max_size=2),
    )
    def begin(self, assigned: Any, inherited: Any, apart: Any) -> None:
        """Empty sets refuse nearly everything, so begin with some."""
        for user in ("ann", "ben"):
            self.both("add_user", user)
        for role, permission in zip(("r.a", "r.b", "r.c", "r.d"), [*PERMISSIONS, PERMISSIONS[0]], strict=True):
            self.both("add_role", role)
            self.both("grant_permission", permission, role)
        for senior, junior in inherited:
            self.both("add_inheritance", senior, junior)
        for kind, members in apart:
            self.both("create_set", kind, "one", members, 2)
        for user, role in assigned:
            self.both("assign_user", user, role)

    @rule(user=users, role=roles)
    def assign_user(self, user: str, role: str) -> None:
        self.both("assign_user", user, role)

    @rule(data=st.data())
    def deassign_user(self, data: Any) -> None:
        self.both("deassign_user", *one_of(data, self.standard.assigned, st.tuples(users, roles)))

    @rule(senior=roles, junior=roles)
    def add_inheritance(self, senior: str, junior: str) -> None:
        self.both("add_inheritance", senior, junior)

    @rule(data=st.data())
    def delete_inheritance(self, data: Any) -> None:
        self.both("delete_inheritance", *one_of(data, self.standard.inherits, st.tuples(roles, roles)))

    @rule(kind=kinds, name=names, members=st.frozensets(roles, min_size=2, max_size=4), n=numbers)
    def create_set(self, kind: str, name: str, members: frozenset[str], n: int) -> None:
        self.both("create_set", kind, name, members, n)

    @rule(data=st.data(), kind=kinds, members=st.permutations(["r.a", "r.b", "r.c", "r.d"]), n=numbers)
    def change_set(self, data: Any, kind: str, members: list[str], n: int) -> None:
        if not self.standard.sets(kind):
            self.both("create_set", kind, "one", frozenset(members[:3]), 3)
        name = one_of(data, self.standard.sets(kind), names)
        command = data.draw(st.sampled_from(["set_cardinality", "delete_role_member", "add_role_member", "delete_set"]))
        role = members[3 if command == "add_role_member" else 0]
        self.both(command, kind, name, *{"delete_set": (), "set_cardinality": (n,)}.get(command, (role,)))

    @rule(data=st.data(), name=names)
    def create_session(self, data: Any, name: str) -> None:
        user = one_of(data, self.standard.users, users)
        active = data.draw(st.lists(self.authorized(user), max_size=2, unique=True))
        self.both("create_session", name, user, tuple(active))

    @rule(data=st.data(), add=st.booleans())
    def change_active_roles(self, data: Any, add: bool) -> None:
        if not self.standard.sessions:
            self.both("create_session", "one", one_of(data, self.standard.users, users), ())
        name = one_of(data, self.standard.sessions, names)
        user = self.standard.sessions[name].user if name in self.standard.sessions else "ann"
        active = self.standard.session_roles(name) if name in self.standard.sessions else set()
        if add or not active:
            self.both("add_active_role", name, data.draw(self.authorized(user)))
        else:
            self.both("drop_active_role", name, one_of(data, active, roles))

    @rule(user=users, two=st.lists(roles, min_size=2, max_size=2, unique=True), name=names, late=st.booleans())
    def wear_two_hats(self, user: str, two: list[str], name: str, late: bool) -> None:
        """`late`: the set that forbids it is declared when both are worn."""
        one, other = two
        steps: list[tuple[Any, ...]] = [
            ("assign_user", user, one),
            ("assign_user", user, other),
            ("create_session", name, user, (one,)),
            ("add_active_role", name, other),
            ("drop_active_role", name, one),
            ("add_active_role", name, other),
        ]
        steps.insert(4 if late else 0, ("create_set", "dsd", name, frozenset(two), 2))
        for step in steps:
            self.both(*step)

    @rule(data=st.data())
    def delete_session(self, data: Any) -> None:
        self.both("delete_session", one_of(data, self.standard.sessions, names))

    @rule(command=st.sampled_from(["add_user", "delete_user", "add_user"]), user=users)
    def come_and_go(self, command: str, user: str) -> None:
        self.both(command, user)

    @rule(command=st.sampled_from(["add_role", "delete_role"]), role=roles)
    def declare_and_retire(self, command: str, role: str) -> None:
        self.both(command, role)

    @rule(command=st.sampled_from(["grant_permission", "revoke_permission"]), permission=permissions, role=roles)
    def change_permissions(self, command: str, permission: str, role: str) -> None:
        self.both(command, permission, role)

    def authorized(self, user: str) -> Any:
        """Mostly roles that the user may activate."""
        return st.sampled_from([*sorted(self.standard.authorized_roles(user)), "r.a"])

    def all_agree(self) -> None:
        """What a refused command left behind shows here too."""
        self.roles_agree()
        self.users_agree()
        self.sets_agree()
        self.sessions_agree()

    def roles_agree(self) -> None:
        for role in self.standard.roles:
            allowed = self.standard.role_permissions([role])
            assert self.emails(review.assigned_users(role)) == self.standard.assigned_users(role)
            assert self.emails(review.authorized_users(role)) == self.standard.authorized_users(role)
            assert review.role_permissions(role) == allowed
            assert review.role_operations_on_object(role, self.document) == allowed

    def users_agree(self) -> None:
        for name, user in self.kit.users.items():
            assert review.assigned_roles(user) == self.standard.assigned_roles(name)
            assert review.authorized_roles(user) == self.standard.authorized_roles(name)
            assert review.user_permissions(user) == {(each, "") for each in self.standard.user_permissions(name)}

    def sets_agree(self) -> None:
        for kind in ("ssd", "dsd"):
            declared = {name: (each.roles, each.n) for name, each in getattr(registry, kind).items()}
            assert declared == {name: (each.roles, each.n) for name, each in self.standard.sets(kind).items()}

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


COMMANDS = ("add_", "assign_", "create_", "deassign_", "delete_", "drop_", "grant_", "revoke_", "set_")


def conform(examples: int, steps: int) -> None:
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=NONE)
    run_state_machine_as_test(Conformance, settings=chosen)


NONE = list(HealthCheck)


@pytest.mark.django_db
def test_any_sequence_of_the_standards_commands_leaves_both_in_agreement(without_default_role: None) -> None:
    conform(examples=25, steps=40)


@pytest.mark.slow
@pytest.mark.django_db
def test_many_sequences_do_and_each_command_is_accepted_and_each_rule_refuses_in_some(
    without_default_role: None,
) -> None:
    accepted.clear()
    refused.clear()
    conform(examples=150, steps=60)
    assert {name for name in dir(Standard) if name.startswith(COMMANDS)} - accepted.keys() == set()
    assert {"a cycle", "a set that is broken already", "dynamic separation of duty"} <= refused.keys()
    assert {"separation of duty, by inheritance", "static separation of duty"} <= refused.keys()
