"""How long decisions take at a million effective grants, rbac and guardian alone side by side in one run.

    make bench-rbac                                    PostgreSQL and SQLite, about five minutes
    make bench-rbac ARGS="--rows 50000 --engine sqlite"

Each round asks both subjects in turn, so that both meet the machine as it is then; the best of the rounds counts. Ends
with «N of M bars held», and with status 1 if one is not.
"""

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.bars import Bar, judged
from benchmarks.rbac.engine import measured_on

ENGINES = ("postgresql", "sqlite")


def main() -> int:
    parser = argparse.ArgumentParser(description="Decisions of rbac, measured beside guardian's.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="effective grants (1000000)")
    parser.add_argument("--rounds", type=int, default=20, help="how often each question is asked (20)")
    parser.add_argument("--engine", choices=ENGINES, help="only this one")
    given = parser.parse_args()
    bars: list[Bar] = []
    for engine in [given.engine] if given.engine else ENGINES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            bars += alone.submit(measured_on, engine, given.rows, given.rounds).result()
    return judged(bars)


if __name__ == "__main__":
    sys.exit(main())
