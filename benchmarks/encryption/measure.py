"""The measurements, and the bars that they are held to."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from apps.encryption.envelope import random_bytes
from benchmarks.bars import Bar
from benchmarks.encryption import files, rotation
from benchmarks.encryption.models import COLUMNS, SUBJECTS

PLAIN, LAZY, OURS, SEARCHABLE = "plain CharField", "lazy, not encrypted", "rampart", "rampart, searchable"
FERNET = "django-fernet-fields-v2"
VALUE = "thirty bytes of a usual value "
WORK = ("write", "load", "read one", "read all")


type Times = dict[str, dict[str, float]]
"""Subject to work to the best seconds."""


def run(rows: int, rounds: int, *, peers: bool) -> list[Bar]:
    """Prints a table of it."""
    subjects = {name: model for name, model in SUBJECTS.items() if peers or name in (PLAIN, LAZY, OURS, SEARCHABLE)}
    with connection.schema_editor() as editor:
        for model in subjects.values():
            editor.create_model(model)
    best: Times = defaultdict(lambda: dict.fromkeys(WORK, float("inf")))
    for _ in range(rounds):
        for name, model in subjects.items():
            for work, seconds in one_round(model, rows):
                best[name][work] = min(best[name][work], seconds)
    stored = {name: bytes_stored(model) for name, model in subjects.items()}
    show(best, stored, rows)
    fresh = min(timed(lambda: [random_bytes(12) for _ in range(rows * len(COLUMNS))]) for _ in range(rounds))
    print(f"\nOf our writing, {fresh / best[PLAIN]['write']:.2f} of plain is the kernel's, for each value's nonce.")
    if FERNET in best:
        most = best[FERNET]["load"] / best[LAZY]["load"]
        print(f"A lazy field that encrypts nothing loads {most:.2f} times faster than {FERNET}: ours can't pass that.")
    return [*field_bars(best, stored), *files.measured(), *rotation.measured(SUBJECTS[OURS], values(rows))]


def one_round(model: Any, rows: int) -> Iterator[tuple[str, float]]:
    model.objects.all().delete()
    each = values(rows)
    yield "write", timed(lambda: model.objects.bulk_create([model(**columns) for columns in each]))
    yield "load", timed(lambda: list(model.objects.all()))
    yield "read one", timed(lambda: [row.a for row in model.objects.all()])
    yield "read all", timed(lambda: [(row.a, row.b, row.c, row.d) for row in model.objects.all()])


def values(rows: int) -> list[dict[str, str]]:
    return [dict.fromkeys(COLUMNS, f"{VALUE}{number % 10}"[-30:]) for number in range(rows)]


def timed(work: Callable[[], Any]) -> float:
    """Seconds of the processor: what else runs on the machine counts less so."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def bytes_stored(model: Any) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT avg(length(CAST("a" AS BLOB))) FROM "{model._meta.db_table}"')
        return float(cursor.fetchone()[0])


def show(best: Times, stored: dict[str, float], rows: int) -> None:
    print(f"{rows} rows of four columns of 30 bytes, multiples of a plain CharField\n")
    print(f"{'':32}{''.join(f'{work:>10}' for work in WORK)}{'bytes':>8}")
    for name, times in best.items():
        ratios = "".join(f"{times[work] / best[PLAIN][work]:10.2f}" for work in WORK)
        print(f"{name:32}{ratios}{stored[name]:8.0f}")
    print(f"{'(plain CharField, ms)':32}" + "".join(f"{best[PLAIN][work] * 1000:10.1f}" for work in WORK))


def field_bars(best: Times, stored: dict[str, float]) -> Iterator[Bar]:
    for work, limit in zip(WORK, (1.8, 1.6, 2.1, 3.1), strict=True):
        yield Bar(f"{work}, of plain", limit, best[OURS][work] / best[PLAIN][work])
    if FERNET in best:
        ratio = best[FERNET]["load"] / best[OURS]["load"]
        yield Bar("load, times faster than django-fernet-fields-v2", 6, ratio, at_least=True)
    for name, times in best.items():
        if name not in (PLAIN, LAZY, OURS, SEARCHABLE):
            slower = min(times[work] / best[OURS][work] for work in WORK)
            yield Bar(f"no work takes {name} less time", 1, slower, at_least=True)
    yield Bar("bytes more than a value of 30 bytes", 48, stored[OURS] - 30)
    yield Bar("bytes more, searchable", 64, stored[SEARCHABLE] - 30)
