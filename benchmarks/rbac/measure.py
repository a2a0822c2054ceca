"""The measurements on one database."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection

from apps.rbac.assignments import assign_role_as_system
from apps.rbac.sync import sync
from benchmarks.bars import Bar
from benchmarks.rbac import data, giving, questions
from benchmarks.rbac.clock import timed
from benchmarks.rbac.questions import Question
from benchmarks.rbac.roles import declare_reader


def run(grants: int, rounds: int) -> list[Bar]:
    """Prints a table and what rights take in bytes."""
    began = time.perf_counter()
    make_tables()
    subjects = data.fill(grants)
    print(
        f"\n{connection.vendor}: {grants} effective grants, filled in {time.perf_counter() - began:.0f} s", flush=True
    )
    bars = [*questions.bars(asked(every_question(subjects), rounds)), *giving.bars(subjects)]
    for name, size in sizes():
        print(f"{name:60}{size / 2**20:10.1f} MiB")
    connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    return [bar._replace(what=f"{connection.vendor}: {bar.what}") for bar in bars]


def make_tables() -> None:
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    with connection.schema_editor() as editor:
        for model in apps.get_app_config("rbac_benchmark").get_models():
            editor.create_model(model)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")  # their permissions


def every_question(subjects: data.Subjects) -> Iterator[Question]:
    """A role for everything comes late: that somebody may hold it makes the question another, for all."""
    reader, colleague, librarian = subjects.reader, subjects.colleague, subjects.librarian
    yield from questions.about_papers(reader)
    yield from questions.about_lists({"5,000 seen": reader, "125 seen": colleague})
    role = declare_reader()
    sync()
    assign_role_as_system(role, librarian, reason="benchmark")
    yield questions.about_everything(librarian)
    for who, user in {questions.ALL_SEEN: librarian, "5,000 seen": reader, "125 seen": colleague}.items():
        lists = list(questions.about_lists({f"{who}, others all": user}))
        yield from lists
        yield from questions.after_a_check(lists, user)


def asked(every: Iterable[Question], rounds: int) -> dict[str, questions.Timed]:
    print(f"\n{'milliseconds':60}{'rbac':>10}{'guardian':>10}{'times faster':>14}{'queries':>9}")
    times = {}
    for question in every:
        each = times[question.name] = timed(question, rounds)
        print(
            f"{question.name:60}{each.ours:10.3f}{each.guardians:10.3f}{each.ratio:14.1f}{each.queries:9}", flush=True
        )
    return times


def sizes() -> list[tuple[Any, ...]]:
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
