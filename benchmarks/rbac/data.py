"""Fills both subjects with the same rights: a quarter as many roles as guardian has rows, of four permissions each."""

import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.utils import timezone
from guardian.models import UserObjectPermission

from apps.accounts.models import User
from apps.rbac.models import RoleAssignment
from benchmarks.rbac.models import Folder, Leaf, Paper, PaperUserShare
from benchmarks.rbac.roles import PaperOwner

ACTIONS = ("add", "change", "delete", "view")
PAPERS_OF_A_FOLDER = 1000
PAPERS_OF_THE_READER = 5000


class Subjects(NamedTuple):
    """Whom and what is asked about."""

    reader: User  # owns 5,000 papers
    colleague: User  # owns what is left to everybody
    librarian: User  # is to see all
    folder: Folder


def fill(grants: int) -> Subjects:
    """`grants` effective grants on both sides: rows of guardian's, and a quarter as many roles of ours."""
    pairs_wanted = grants // len(ACTIONS)
    users = [User(email=f"user{n}@example.org") for n in range(max(pairs_wanted // 125, 10))]
    groups = [Group(name=f"group {n}") for n in range(10)]
    folders = [Folder(name=f"folder {n}") for n in range(max(pairs_wanted // 2500, 6))]
    copy(
        User,
        ["id", "email", "password", "name", "is_active", "is_staff", "is_superuser", "date_joined"],
        map(row_of_user, users),
    )
    Group.objects.bulk_create(groups)
    Folder.objects.bulk_create(folders)
    papers = [(uuid_utils.compat.uuid7(), folder.pk) for folder in folders for _ in range(PAPERS_OF_A_FOLDER)]
    named = [(pk, folder, f"paper {n}") for n, (pk, folder) in enumerate(papers)]
    for model in (Paper, Leaf):
        copy(model, ["id", "folder_id", "title"], named)
    pairs = chosen([user.pk for user in users], [pk for pk, _ in papers], pairs_wanted)
    copy_roles(pairs)
    copy_guardian(pairs)
    copy_shares(pairs)
    join_groups(users, groups)
    analyze()
    return Subjects(users[0], users[1], users[2], folders[0])


def row_of_user(user: User) -> tuple[Any, ...]:
    return (user.pk, user.email, "!", "", True, False, False, timezone.now())


def chosen(users: list[UUID], papers: list[UUID], wanted: int) -> list[tuple[UUID, UUID]]:
    """Who owns what: the first user many, the others alike. By a seed, so that each run has the same rights."""
    picks = random.Random(4711)  # noqa: S311 - data for a measurement
    of_reader = min(PAPERS_OF_THE_READER, len(papers) // 4)
    found = {(users[0], paper) for paper in picks.sample(papers, of_reader)}
    while len(found) < wanted:
        found.add((picks.choice(users[1:]), picks.choice(papers)))
    return sorted(found, key=lambda pair: picks.random())


def copy_roles(pairs: list[tuple[UUID, UUID]]) -> None:
    kind, now = "rbac_benchmark.paper", timezone.now()
    columns = ["id", "user_id", "role_id", "scope_type", "scope_id", "scope_key", "granted_at", "reason"]
    rows = (
        (uuid_utils.compat.uuid7(), user, PaperOwner.slug, kind, paper, f"{kind}:{paper}", now, "")
        for user, paper in pairs
    )
    copy(RoleAssignment, columns, rows)


def copy_guardian(pairs: list[tuple[UUID, UUID]]) -> None:
    content_type = ContentType.objects.get_for_model(Leaf)
    permissions = [Permission.objects.get(codename=f"{action}_leaf").pk for action in ACTIONS]
    rows = ((permission, content_type.pk, str(paper), user) for user, paper in pairs for permission in permissions)
    copy(UserObjectPermission, ["permission_id", "content_type_id", "object_pk", "user_id"], rows)


def copy_shares(pairs: list[tuple[UUID, UUID]]) -> None:
    """The owner of every tenth paper has a share besides: no table that is asked is empty, and no answer changes."""
    view, now = Permission.objects.get(codename="view_paper").pk, timezone.now()
    rows = ((uuid_utils.compat.uuid7(), user, paper, view, now, "") for user, paper in pairs[::10])
    copy(PaperUserShare, ["id", "user_id", "content_object_id", "permission_id", "granted_at", "reason"], rows)


def join_groups(users: list[User], groups: list[Group]) -> None:
    through: Any = User.groups.through
    through.objects.bulk_create(
        [through(user=user, group=groups[n % len(groups)]) for n, user in enumerate(users)], batch_size=1000
    )


def copy(model: type[models.Model], columns: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """By COPY on PostgreSQL, by one prepared INSERT on SQLite."""
    names = ", ".join(f'"{name}"' for name in columns)
    table = model._meta.db_table
    fields = [next(field for field in model._meta.fields if field.column == name) for name in columns]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as stream:
                for row in rows:
                    stream.write_row(row)
        else:
            marks = ", ".join(len(columns) * ["%s"])
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', prepared(fields, rows))


def prepared(fields: list[Any], rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [field.get_db_prep_value(value, connection) for field, value in zip(fields, row, strict=True)]


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
