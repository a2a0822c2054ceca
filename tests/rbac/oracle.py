"""ANSI INCITS 359 written down as sets, in plain Python: what apps.rbac has to agree with, command by command.

Core, general hierarchy, static and dynamic separation of duty. A command whose precondition fails raises Refused and
changes nothing. Where the kit is stricter than the standard, the comment says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

type User = str
type Role = str
type Permission = str
type Assigned = tuple[User, Role]


class Refused(Exception):
    """A precondition does not hold."""


@dataclass
class RoleSet:
    roles: frozenset[Role]
    n: int  # nobody has n or more of the roles


@dataclass
class Session:
    user: User
    active: dict[Role, set[Assigned]] = field(default_factory=dict)  # with the assignments that it was activated by


class Standard:
    def __init__(self) -> None:
        self.users: set[User] = set()
        self.roles: set[Role] = set()
        self.assigned: set[Assigned] = set()  # UA
        self.granted: set[tuple[Permission, Role]] = set()  # PA
        self.inherits: set[tuple[Role, Role]] = set()  # RH, immediate: (senior, junior)
        self.ssd: dict[str, RoleSet] = {}
        self.dsd: dict[str, RoleSet] = {}
        self.sessions: dict[str, Session] = {}

    # ── What follows from the sets ──────────────────────────────────────────────────────────────────────────────────

    def juniors(self, roles: Iterable[Role]) -> set[Role]:
        """The roles, and all below them."""
        found = set(roles)
        while more := {junior for senior, junior in self.inherits if senior in found} - found:
            found |= more
        return found

    def breaks(self, each: RoleSet, roles: Iterable[Role]) -> bool:
        return len(each.roles & self.juniors(roles)) >= each.n

    def assigned_users(self, role: Role) -> set[User]:
        return {user for user, each in self.assigned if each == role}

    def assigned_roles(self, user: User) -> set[Role]:
        return {role for each, role in self.assigned if each == user}

    def authorized_roles(self, user: User) -> set[Role]:
        return self.juniors(self.assigned_roles(user))

    def authorized_users(self, role: Role) -> set[User]:
        return {user for user in self.users if role in self.authorized_roles(user)}

    def role_permissions(self, roles: Iterable[Role]) -> set[Permission]:
        below = self.juniors(roles)
        return {permission for permission, role in self.granted if role in below}

    def user_permissions(self, user: User) -> set[Permission]:
        return self.role_permissions(self.assigned_roles(user))

    def session_roles(self, name: str) -> set[Role]:
        """A session that breaks a DSD set, which was declared after it began, is left with nothing (fail closed)."""
        session = self.sessions[name]
        active = {role for role in session.active if any(role in self.juniors([by]) for _, by in session.active[role])}
        return set() if any(self.breaks(each, active) for each in self.dsd.values()) else active

    def session_permissions(self, name: str) -> set[Permission]:
        return self.role_permissions(self.session_roles(name))

    def check_access(self, name: str, permission: Permission) -> bool:
        return permission in self.session_permissions(name)

    # ── Administrative commands: core ───────────────────────────────────────────────────────────────────────────────

    def add_user(self, user: User) -> None:
        refuse_if(user in self.users)
        self.users.add(user)

    def delete_user(self, user: User) -> None:
        refuse_if(user not in self.users)
        self.users.remove(user)
        self.assigned = {pair for pair in self.assigned if pair[0] != user}
        self.sessions = {name: each for name, each in self.sessions.items() if each.user != user}

    def add_role(self, role: Role) -> None:
        refuse_if(role in self.roles)
        self.roles.add(role)

    def delete_role(self, role: Role) -> None:
        """Stricter: not while another declaration names it."""
        refuse_if(role not in self.roles)
        refuse_if(any(junior == role for _, junior in self.inherits))
        refuse_if(any(role in each.roles for each in (*self.ssd.values(), *self.dsd.values())))
        for user in self.assigned_users(role):
            self.deassign_user(user, role)
        self.roles.remove(role)
        self.granted = {pair for pair in self.granted if pair[1] != role}
        self.inherits = {pair for pair in self.inherits if pair[0] != role}

    def assign_user(self, user: User, role: Role) -> None:
        """More lenient: what is assigned already is no error."""
        refuse_if(user not in self.users or role not in self.roles)
        held = {*self.assigned_roles(user), role}
        refuse_if(any(self.breaks(each, held) for each in self.ssd.values()), "static separation of duty")
        self.assigned.add((user, role))

    def deassign_user(self, user: User, role: Role) -> None:
        """A role ends in the sessions in which nothing else has authorized it."""
        refuse_if((user, role) not in self.assigned)
        self.assigned.remove((user, role))
        for session in self.sessions.values():
            for by in session.active.values():
                by.discard((user, role))
            session.active = {each: by for each, by in session.active.items() if by}

    def grant_permission(self, permission: Permission, role: Role) -> None:
        refuse_if(role not in self.roles)
        self.granted.add((permission, role))

    def revoke_permission(self, permission: Permission, role: Role) -> None:
        refuse_if((permission, role) not in self.granted)
        self.granted.remove((permission, role))

    # ── Hierarchy and separation of duty ────────────────────────────────────────────────────────────────────────────

    def add_inheritance(self, senior: Role, junior: Role) -> None:
        refuse_if(not {senior, junior} <= self.roles or (senior, junior) in self.inherits)
        refuse_if(senior in self.juniors([junior]), "a cycle")
        self.inherits.add((senior, junior))
        if self.is_unsound():
            self.inherits.remove((senior, junior))
            raise Refused("separation of duty, by inheritance")

    def delete_inheritance(self, senior: Role, junior: Role) -> None:
        refuse_if((senior, junior) not in self.inherits)
        self.inherits.remove((senior, junior))

    def is_unsound(self) -> bool:
        """Somebody breaks an SSD set. Stricter: a role that breaks a set by itself could be held or used by nobody."""
        sets = [*self.ssd.values(), *self.dsd.values()]
        held = (self.assigned_roles(user) for user in self.users)
        return any(self.breaks(each, roles) for roles in held for each in self.ssd.values()) or any(
            self.breaks(each, [role]) for role in self.roles for each in sets
        )

    def create_set(self, kind: str, name: str, roles: frozenset[Role], n: int) -> None:
        refuse_if(name in self.sets(kind))
        self.change_set(kind, name, RoleSet(roles, n))

    def delete_set(self, kind: str, name: str) -> None:
        refuse_if(name not in self.sets(kind))
        del self.sets(kind)[name]

    def add_role_member(self, kind: str, name: str, role: Role) -> None:
        refuse_if(name not in self.sets(kind) or role in self.sets(kind)[name].roles)
        was = self.sets(kind)[name]
        self.change_set(kind, name, RoleSet(was.roles | {role}, was.n))

    def delete_role_member(self, kind: str, name: str, role: Role) -> None:
        refuse_if(name not in self.sets(kind) or role not in self.sets(kind)[name].roles)
        was = self.sets(kind)[name]
        self.change_set(kind, name, RoleSet(was.roles - {role}, was.n))

    def set_cardinality(self, kind: str, name: str, n: int) -> None:
        refuse_if(name not in self.sets(kind))
        self.change_set(kind, name, RoleSet(self.sets(kind)[name].roles, n))

    def sets(self, kind: str) -> dict[str, RoleSet]:
        return self.ssd if kind == "ssd" else self.dsd

    def change_set(self, kind: str, name: str, becomes: RoleSet) -> None:
        refuse_if(not becomes.roles <= self.roles or not 2 <= becomes.n <= len(becomes.roles))
        was = self.sets(kind).get(name)
        self.sets(kind)[name] = becomes
        if self.is_unsound():
            if was is None:
                del self.sets(kind)[name]
            else:
                self.sets(kind)[name] = was
            raise Refused("a set that is broken already")

    # ── Sessions ────────────────────────────────────────────────────────────────────────────────────────────────────

    def create_session(self, name: str, user: User, roles: tuple[Role, ...]) -> None:
        refuse_if(name in self.sessions or user not in self.users)
        self.sessions[name] = Session(user)
        try:
            for role in roles:
                self.add_active_role(name, role)
        except Refused:
            del self.sessions[name]
            raise

    def delete_session(self, name: str) -> None:
        refuse_if(name not in self.sessions)
        del self.sessions[name]

    def add_active_role(self, name: str, role: Role) -> None:
        refuse_if(name not in self.sessions)
        session, active = self.sessions[name], self.session_roles(name)
        refuse_if(role in active or role not in self.authorized_roles(session.user))
        refuse_if(any(self.breaks(each, {*active, role}) for each in self.dsd.values()), "dynamic separation of duty")
        by = {pair for pair in self.assigned if pair[0] == session.user and role in self.juniors([pair[1]])}
        session.active = {each: session.active[each] for each in active} | {role: by}

    def drop_active_role(self, name: str, role: Role) -> None:
        refuse_if(name not in self.sessions or role not in self.session_roles(name))
        session = self.sessions[name]
        session.active = {each: session.active[each] for each in self.session_roles(name) if each != role}


def refuse_if(condition: bool, why: str = "the command does not apply") -> None:
    if condition:
        raise Refused(why)
