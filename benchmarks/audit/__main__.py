"""What the audit log costs, beside its peers, as ratios of one run, on SQLite and on PostgreSQL.

    make bench-audit                      all of it
    make bench-audit ARGS="--saves 300"

Subjects take turns, so that all meet the machine as it is then; the best of the rounds counts. Ends with «N of M bars
held», and with status 1 if one is not.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bars import Bar, judged
from tests.services.temporary_postgres import temporary_postgres

ENGINES = ("sqlite", "postgresql")


def main() -> int:
    parser = argparse.ArgumentParser(description="The audit log, measured beside its peers.")
    parser.add_argument("--saves", type=int, default=1000, help="rows of a round (1000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each subject is measured (5)")
    parser.add_argument("--seconds", type=float, default=3, help="how long each writer writes (3)")
    parser.add_argument("--events", type=int, default=200_000, help="events to seal and verify (200000)")
    parser.add_argument(
        "--log", type=int, default=1_000_000, help="events of the log whose pages are measured (1000000)"
    )
    parser.add_argument("--engine", choices=ENGINES, help="only this database")
    parser.add_argument("--url", help=argparse.SUPPRESS)  # of the process that measures on one database
    given = parser.parse_args()
    if given.url:
        measure(given)
        return 0
    return judged([bar for engine in ENGINES if given.engine in (None, engine) for bar in bars_of(engine)])


def bars_of(engine: str) -> list[Bar]:
    """Measure in a process of its own, since Django is set up once; print its tables, and return its bars."""
    with database(engine) as url:
        command = [sys.executable, "-m", "benchmarks.audit", *sys.argv[1:], "--url", url]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - ourselves
    tables, _, bars = printed.partition("BARS\n")
    print(tables)
    return [Bar(*json.loads(line)) for line in bars.splitlines()]


@contextmanager
def database(engine: str) -> Iterator[str]:
    if engine == "postgresql":
        with temporary_postgres() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite://{Path(folder) / 'benchmark.sqlite3'}"


def measure(given: argparse.Namespace) -> None:
    from benchmarks.audit import settings

    settings.set_up(given.url)
    settings.make_tables()
    from benchmarks.audit import pages, saves, seals, writers

    bars = [*saves.run(given.saves, given.rounds), *writers.run(given.url, given.seconds), *seals.run(given.events)]
    bars += pages.run(given.log)  # last: it fills the log
    print("BARS")
    print("\n".join(map(json.dumps, bars)))


if __name__ == "__main__":
    sys.exit(main())
