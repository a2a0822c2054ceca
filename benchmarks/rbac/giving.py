"""What it takes to give a role: by a person, with guard, locks and audit event. And what it reaches at once."""

from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.rbac import memo
from apps.rbac.assignments import assign_role, assign_role_as_system, revoke_role
from apps.rbac.decisions import check
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import extend
from benchmarks.bars import Bar
from benchmarks.rbac import data
from benchmarks.rbac.clock import milliseconds
from benchmarks.rbac.models import Paper
from benchmarks.rbac.questions import VIEW, scoped_to
from benchmarks.rbac.roles import FolderOwner

PEOPLE = 40


def bars(subjects: data.Subjects) -> Iterator[Bar]:
    user, folder = subjects.colleague, subjects.folder
    administrator = User.objects.create(email="administrator@example.org")
    assign_role_as_system("admin", administrator, reason="benchmark")
    yield from repeated(subjects)
    rows = RoleAssignment.objects.count()
    assign_role(administrator, FolderOwner, user, folder)
    yield Bar("a role for a container of 1,000 objects: rows", 1, RoleAssignment.objects.count() - rows)
    reached = scoped_to(user).filter(folder=folder).count()
    yield Bar("a role for a container of 1,000 objects: objects reached", 1000, reached, at_least=True)
    yield Bar("a role for a container of 1,000 objects: milliseconds", 2, timed(administrator, folder))
    yield Bar("a permission added to a role: rows written", 0, written_for_a_permission(subjects))


def repeated(subjects: data.Subjects) -> Iterator[Bar]:
    user = subjects.colleague
    paper = Paper.objects.filter(folder=subjects.folder).exclude(pk__in=scoped_to(user).values("pk"))[0]
    with memo.remembering():
        check(user, VIEW, paper)
        with CaptureQueriesContext(connection) as again:
            check(user, VIEW, paper)
    yield Bar("check again in the request: queries", 0, len(again))


def timed(by: Any, folder: Any) -> float:
    """Milliseconds at best. Prints what of it no code could save: the same statements, with nothing around them."""
    people = list(User.objects.order_by("pk")[3 : 3 + PEOPLE])
    # All of them first: the driver forgets at a rollback which statements it has prepared.
    statements = [statements_of(by, to, folder) for to in people]
    alone = [milliseconds(lambda each=each: run(each)) for each in statements]
    for to in people:
        revoke_role(by, FolderOwner, to, folder)
    given = [milliseconds(lambda to=to: assign_role(by, FolderOwner, to, folder)) for to in people]
    taken = [milliseconds(lambda to=to: revoke_role(by, FolderOwner, to, folder)) for to in people]
    print(f"\n{'a role given by a person':60}{min(given):10.3f}")
    print(f"{f'… its {len(statements[0])} statements alone':60}{min(alone):10.3f}")
    print(f"{'… taken back':60}{min(taken):10.3f}")
    return min(given)


def statements_of(by: Any, to: Any, folder: Any) -> list[tuple[str, Any]]:
    """As they reach the database; what they write is taken back."""
    recorded = []

    def keep(execute: Any, sql: str, bound: Any, many: Any, context: Any) -> Any:
        recorded.append((sql, bound))
        return execute(sql, bound, many, context)

    with transaction.atomic(), connection.execute_wrapper(keep):
        assign_role(by, FolderOwner, to, folder)
        transaction.set_rollback(True)
    return [(sql, bound) for sql, bound in recorded if "SAVEPOINT" not in sql]


def run(statements: list[tuple[str, Any]]) -> None:
    """By the driver, in a transaction."""
    with connection.cursor() as cursor:
        bare = cursor.cursor
        bare.execute("BEGIN")
        for sql, bound in statements:
            bare.execute(sql, bound)
            if sql.startswith("SELECT"):
                bare.fetchall()
        bare.execute("COMMIT")


def written_for_a_permission(subjects: data.Subjects) -> int:
    """How many statements other than SELECT, and whether an assignment is another afterwards."""
    user, folder = subjects.colleague, subjects.folder
    added = "rbac_benchmark.view_folder"
    paper = Paper.objects.filter(folder=folder)[0]
    before = some_assignments()
    assert not check(user, added, paper)  # noqa: S101 - the set-up is right
    extend(FolderOwner, {added})
    with CaptureQueriesContext(connection) as asked:
        held = check(user, added, paper)
    assert held, "a permission added to a role is not held"  # noqa: S101 - as said
    written = [query for query in asked if not query["sql"].lstrip().upper().startswith("SELECT")]
    return len(written) + (before != some_assignments())


def some_assignments() -> list[tuple[Any, ...]]:
    return list(RoleAssignment.objects.order_by("pk").values_list("pk", "role_id")[:1000])
