"""The measurements, and the bars that they are held to."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth.models import Group
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.backends import ObjectPermissionBackend
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import get_objects_for_user, get_users_with_perms  # noqa: TID251 - the peer that is measured

from apps.rbac import memo
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import check, check_many, who_can
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import extend
from benchmarks.rbac import data
from benchmarks.rbac.models import Leaf, Paper
from benchmarks.rbac.roles import FolderOwner

VIEW, VIEW_LEAF = "rbac_benchmark.view_paper", "rbac_benchmark.view_leaf"
PAGE = 25
GUARDIAN = ObjectPermissionBackend()

type Work = Callable[[], Any]


class Bar(NamedTuple):
    what: str
    limit: float
    measured: float
    at_least: bool = False

    @property
    def held(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"  {'held  ' if self.held else 'MISSED'}  {self.what:58} {self.measured:9.2f}  ({sign} {self.limit:g})"


class Question(NamedTuple):
    """Asked of both; the answers have to be the same."""

    name: str
    ours: Work
    guardians: Work


class Timed(NamedTuple):
    ours: float  # milliseconds
    guardians: float
    queries: int  # ours

    @property
    def ratio(self) -> float:
        return self.guardians / self.ours


def run(grants: int, rounds: int) -> tuple[int, int]:
    """How many bars are held, of how many. Prints a table and each bar."""
    began = time.perf_counter()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    with connection.schema_editor() as editor:
        for model in apps.get_app_config("rbac_benchmark").get_models():
            editor.create_model(model)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")  # their permissions
    subjects = data.fill(grants)
    print(f"\n{connection.vendor}: {grants} effective grants, filled in {time.perf_counter() - began:.0f} s")
    times = {question.name: timed(question, rounds) for question in questions(subjects)}
    print(f"\n{'milliseconds':40}{'rbac':>10}{'guardian':>10}{'times faster':>14}{'queries':>9}")
    for name, each in times.items():
        print(f"{name:40}{each.ours:10.3f}{each.guardians:10.3f}{each.ratio:14.1f}{each.queries:9}")
    bars = [*bars_of_times(times), *bars_of_roles(subjects)]
    print("\n" + "\n".join(map(str, bars)) + "\n")
    for name, size in sizes():
        print(f"  {name:58} {size / 2**20:9.1f} MiB")
    connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    return sum(bar.held for bar in bars), len(bars)


def questions(subjects: data.Subjects) -> Iterator[Question]:
    reader, colleague = subjects.reader, subjects.colleague
    seen = Paper.objects.filter(pk__in=scoped_to(reader)[: data.PAPERS_OF_A_FOLDER].values("pk"))
    papers = list(seen[:50]) + list(Paper.objects.exclude(pk__in=scoped_to(reader).values("pk"))[:50])
    leaves = list(Leaf.objects.in_bulk([paper.pk for paper in papers]).values())
    leaves.sort(key=lambda leaf: [paper.pk for paper in papers].index(leaf.pk))
    for name, number in (("check: yes", 0), ("check: no", 99)):
        yield Question(
            name,
            lambda number=number: check(reader, VIEW, papers[number]),
            lambda number=number: GUARDIAN.has_perm(reader, VIEW_LEAF, leaves[number]),
        )
    yield Question(
        "a page of 100 objects", lambda: check_many(reader, VIEW, papers), lambda: prefetched(reader, leaves)
    )
    for who, user in (("5,000 seen", reader), ("125 seen", colleague)):
        yield Question(
            f"list, page of {PAGE} ({who})",
            lambda user=user: keys(scoped_to(user).order_by("-pk")[:PAGE]),
            lambda user=user: keys(guardians_list(user).order_by("-pk")[:PAGE]),
        )
        yield Question(
            f"list, count ({who})",
            lambda user=user: scoped_to(user).count(),
            lambda user=user: guardians_list(user).count(),
        )
    yield Question(
        "who can",
        lambda: {user.pk for user in who_can(VIEW, papers[0])},
        lambda: {user.pk for user in get_users_with_perms(leaves[0], only_with_perms_in=["view_leaf"])},
    )


def scoped_to(user: Any) -> Any:
    return Paper.objects.for_user(user, "view")


def guardians_list(user: Any) -> Any:
    return get_objects_for_user(user, VIEW_LEAF)


def prefetched(user: Any, leaves: list[Leaf]) -> set[Any]:
    checker = ObjectPermissionChecker(user)
    checker.prefetch_perms(leaves)
    return {leaf.pk for leaf in leaves if checker.has_perm("view_leaf", leaf)}


def keys(rows: Any) -> list[Any]:
    return [row.pk for row in rows]


def timed(question: Question, rounds: int) -> Timed:
    """Raises AssertionError where the two differ: then they would not have been asked the same."""
    with CaptureQueriesContext(connection) as asked:
        answer = question.ours()
    assert answer == question.guardians(), f"{question.name}: the answers differ"  # noqa: S101 - as said
    ours, guardians = [], []
    for _ in range(rounds):
        ours.append(milliseconds(question.ours))
        if len(guardians) < 5 or sum(guardians) < 5_000:
            guardians.append(milliseconds(question.guardians))
    return Timed(min(ours), min(guardians), len(asked))


def milliseconds(work: Work) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def bars_of_times(times: dict[str, Timed]) -> Iterator[Bar]:
    for name in ("check: yes", "check: no"):
        yield Bar(f"{name}: queries", 1, times[name].queries)
        yield Bar(f"{name}: milliseconds", 1, times[name].ours)
        yield Bar(f"{name}: times faster than guardian", 3, times[name].ratio, at_least=True)
    page = times["a page of 100 objects"]
    yield Bar("a page of 100 objects: queries", 1, page.queries)
    yield Bar("a page of 100 objects: times faster than guardian's prefetch", 1, page.ratio, at_least=True)
    for name, each in times.items():
        if name.startswith("list"):
            yield Bar(f"{name}: queries", 1, each.queries)
            faster = 2 if "page" in name else 1
            yield Bar(f"{name}: times faster than guardian", faster, each.ratio, at_least=True)
    yield Bar("who can: times faster than guardian", 100, times["who can"].ratio, at_least=True)


def bars_of_roles(subjects: data.Subjects) -> Iterator[Bar]:
    user, folder = subjects.colleague, subjects.folder
    paper = Paper.objects.filter(folder=folder).exclude(pk__in=scoped_to(user).values("pk"))[0]
    with memo.remembering():
        check(user, VIEW, paper)
        with CaptureQueriesContext(connection) as again:
            check(user, VIEW, paper)
    yield Bar("check again in the request: queries", 0, len(again))
    rows = RoleAssignment.objects.count()
    assign_role_as_system(FolderOwner, user, folder, reason="benchmark")
    yield Bar("a role for a container of 1,000 objects: rows", 1, RoleAssignment.objects.count() - rows)
    yield Bar("… of which it reaches", -1000, -scoped_to(user).filter(folder=folder).count())
    groups = [Group.objects.create(name=f"new {n}") for n in range(20)]
    took = [
        milliseconds(lambda to=to: assign_role_as_system(FolderOwner, to, folder, reason="benchmark")) for to in groups
    ]
    yield Bar("… milliseconds", 2, min(took))
    before = list(RoleAssignment.objects.order_by("pk").values_list("pk", "role_id")[:1000])
    assert not check(subjects.reader, "rbac_benchmark.view_folder", paper)  # noqa: S101 - the set-up is right
    extend(FolderOwner, {"rbac_benchmark.view_folder"})
    with CaptureQueriesContext(connection) as asked:
        held = check(user, "rbac_benchmark.view_folder", paper)
    assert held, "a permission added to a role is not held"  # noqa: S101 - as said
    written = [query for query in asked if not query["sql"].lstrip().upper().startswith("SELECT")]
    after = list(RoleAssignment.objects.order_by("pk").values_list("pk", "role_id")[:1000])
    yield Bar("a permission added to a role: rows written", 0, len(written) + (before != after))


def sizes() -> list[tuple[str, int]]:
    """Of tables with and of each index of ours alone. PostgreSQL tells; SQLite's build may not."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname IN "
            "('rbac_roleassignment', 'rbac_benchmark_paperusershare', 'guardian_userobjectpermission') "
            "UNION ALL SELECT '  index ' || indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes "
            "WHERE relname IN ('rbac_roleassignment', 'guardian_userobjectpermission') ORDER BY 1"
        )
        return list(cursor.fetchall())
