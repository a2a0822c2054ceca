"""A document in a folder, and everything that rbac tells while a test runs."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.rbac import roles, signals
from apps.rbac.assignments import assign_creator, assign_role_as_system
from tests.conftest import ClientFor
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner

NAMES = (
    "access_refused",
    "admin_edited",
    "grant_refused",
    "group_joined",
    "group_left",
    "policy_missing",
    "role_activated",
    "role_deactivated",
    "role_granted",
    "role_revoked",
    "roles_synced",
    "share_granted",
    "share_revoked",
    "superuser_changed",
)


@dataclass
class Told:
    """One signal, as the audit log would hear it."""

    name: str
    target: Any
    outcome: str
    changes: Any
    reason: str
    details: dict[str, Any]


@pytest.fixture
def told() -> Iterator[list[Told]]:
    heard: list[Told] = []
    with ExitStack() as stack:
        for name in NAMES:
            signal = getattr(signals, name)

            def hear(signal: Any, sender: Any, name: str = name, **sent: Any) -> None:
                heard.append(Told(name, **sent))

            signal.connect(hear, weak=False)
            stack.callback(signal.disconnect, hear)
        yield heard


@pytest.fixture
def folder(db: None) -> Folder:
    return Folder.objects.create(name="Plans")


@pytest.fixture
def document(owner: User, folder: Folder) -> Document:
    """Made by `owner`, who therefore owns it."""
    made = Document.objects.create(title="Plan A", folder=folder)
    assign_creator(DocumentOwner, owner, made)
    return made


@pytest.fixture
def team(colleague: User) -> Group:
    """A group with `colleague` in it."""
    made = Group.objects.create(name="Team")
    colleague.groups.add(made)
    return made


@pytest.fixture
def clerk(colleague: User) -> User:
    """May open the admin, see and change people and patients there, and nothing of documents."""
    assign_role_as_system("testapp.clerk", colleague, reason="test")
    return colleague


@pytest.fixture
def clerks(clerk: User, client_for: ClientFor) -> Client:
    """The browser in which `clerk` has signed in."""
    return client_for(clerk)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[roles.Registry]:
    """The roles, for a test that declares some: they are forgotten after it."""
    monkeypatch.setattr(roles.registry, "roles", dict(roles.registry.roles))
    extensions = {slug: set(added) for slug, added in roles.registry.extensions.items()}
    monkeypatch.setattr(roles.registry, "extensions", extensions)
    for kind in ("ssd", "dsd"):
        monkeypatch.setattr(roles.registry, kind, dict(getattr(roles.registry, kind)))
    roles.registry.forget()
    yield roles.registry
    roles.registry.forget()


def queries() -> CaptureQueriesContext:
    """Counts what is asked of the database inside the block, and shows it when a count is wrong."""
    return CaptureQueriesContext(connection)
