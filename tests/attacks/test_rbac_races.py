"""Two requests at the same moment, each on its own connection. SQLite has one writer, so PostgreSQL is asked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from apps.rbac.assignments import assign_creator, assign_role
from apps.rbac.errors import AlreadyAssigned
from apps.rbac.models import RoleAssignment
from apps.rbac.sharing import share, shares_of
from tests.conftest import MakeUser
from tests.testapp.models import Document, DocumentUserShare
from tests.testapp.roles import DocumentOwner, Librarian

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


def at_once(*changes: Callable[[], Any]) -> list[Any]:
    """Run each in a thread and a transaction of its own, all started together; the results or exceptions."""
    together = Barrier(len(changes))

    def run(change: Callable[[], Any]) -> Any:
        try:
            with transaction.atomic():
                together.wait()
                return change()
        except AlreadyAssigned as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(changes)) as pool:
        return list(pool.map(run, changes))


def test_of_two_who_claim_an_object_at_once_one_gets_it(make_user: MakeUser) -> None:
    for _ in range(5):
        one, other = make_user(), make_user()
        document = Document.objects.create(title="new")
        results = at_once(
            partial(assign_creator, DocumentOwner, one, document),
            partial(assign_creator, DocumentOwner, other, document),
        )
        assert sorted(type(each).__name__ for each in results) == ["AlreadyAssigned", "RoleAssignment"]


def test_the_same_role_given_twice_at_once_is_given_once(make_user: MakeUser) -> None:
    by, other, to = make_user(role="admin"), make_user(role="admin"), make_user()
    results = at_once(partial(assign_role, by, Librarian, to), partial(assign_role, other, Librarian, to))
    assert results[0] == results[1]
    assert RoleAssignment.objects.filter(user=to, role="testapp.librarian").count() == 1


def test_the_same_share_given_twice_at_once_is_given_once(make_user: MakeUser) -> None:
    owner, to = make_user(), make_user()
    document = Document.objects.create(title="new")
    assign_creator(DocumentOwner, owner, document)
    results = at_once(*2 * [partial(share, owner, document, to, "view")])
    assert sorted(map(len, results)) == [0, 1]
    assert DocumentUserShare.objects.count() == len(shares_of(document)) == 1
