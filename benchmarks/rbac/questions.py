"""What is asked of rbac and of guardian alone, and the bars for their answers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.contrib.auth.backends import ModelBackend
from guardian.backends import ObjectPermissionBackend
from guardian.core import ObjectPermissionChecker
from guardian.shortcuts import get_objects_for_user, get_users_with_perms  # noqa: TID251 - the peer that is measured

from apps.accounts.models import User
from apps.rbac import memo, queries
from apps.rbac.decisions import check, check_many, who_can
from benchmarks.bars import Bar
from benchmarks.rbac import data
from benchmarks.rbac.models import Leaf, Paper

VIEW, VIEW_LEAF = "rbac_benchmark.view_paper", "rbac_benchmark.view_leaf"
# Beside a role for everything, of which guardian has none. Then its answers are no bar but for lists after a check.
SOME_SEE_ALL, ASKED = ", others all)", ", others all; after a check)"
ALL_SEEN = "all seen"
PAGE = 25
# How many times faster an answer has to be: a page of objects than its prefetch.
LEAST = {"check": 3, "a page": 1, "list, page": 2, "list, count": 1, "who can": 100}
GUARDIAN = ObjectPermissionBackend()

type Work = Callable[[], Any]


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


def about_papers(reader: Any) -> Iterator[Question]:
    """Fifty that he sees, and fifty that he does not."""
    seen = Paper.objects.filter(pk__in=scoped_to(reader)[: data.PAPERS_OF_A_FOLDER].values("pk"))
    papers = list(seen[:50]) + list(Paper.objects.exclude(pk__in=scoped_to(reader).values("pk"))[:50])
    leaf = Leaf.objects.in_bulk([paper.pk for paper in papers])
    leaves = [leaf[paper.pk] for paper in papers]
    for name, number in (("check: yes", 0), ("check: no", 99)):
        yield Question(
            name,
            lambda number=number: check(reader, VIEW, papers[number]),
            lambda number=number: GUARDIAN.has_perm(reader, VIEW_LEAF, leaves[number]),
        )
    yield Question(
        "a page of 100 objects", lambda: check_many(reader, VIEW, papers), lambda: prefetched(reader, leaves)
    )
    yield Question(
        "who can",
        lambda: {user.pk for user in who_can(VIEW, papers[0])},
        lambda: {user.pk for user in get_users_with_perms(leaves[0], only_with_perms_in=["view_leaf"])},
    )


def about_lists(people: dict[str, Any]) -> Iterator[Question]:
    for who, user in people.items():
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


def about_everything(librarian: Any) -> Question:
    """He holds the permission everywhere. Guardian's backend has no such thing: whoever needs it asks Django first."""
    paper = Paper.objects.latest("pk")
    leaf = Leaf.objects.get(pk=paper.pk)
    everywhere = ModelBackend()

    def guardians() -> bool:
        anew = User(pk=librarian.pk)  # remembers no answer
        return everywhere.has_perm(anew, VIEW_LEAF) or GUARDIAN.has_perm(anew, VIEW_LEAF, leaf)

    librarian.user_permissions.add(queries.stored(VIEW_LEAF, Leaf).get())
    return Question(f"check: yes ({ALL_SEEN}{SOME_SEE_ALL}", lambda: check(librarian, VIEW, paper), guardians)


def after_a_check(every: Iterable[Question], user: Any) -> Iterator[Question]:
    """The same in a request that has asked before whether he holds it everywhere, as a menu does."""
    with memo.remembering():
        check(user, VIEW)
        yield from (question._replace(name=question.name.replace(SOME_SEE_ALL, ASKED)) for question in every)


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


def bars(times: dict[str, Timed]) -> Iterator[Bar]:
    for name, each in times.items():
        yield Bar(f"{name}: queries", 1, each.queries)
        if name.startswith("check"):
            yield Bar(f"{name}: milliseconds", 1, each.ours)
        if not name.endswith(SOME_SEE_ALL) and ALL_SEEN not in name:
            least = next(times for start, times in LEAST.items() if name.startswith(start))
            yield Bar(f"{name}: times faster", least, each.ratio, at_least=True)
