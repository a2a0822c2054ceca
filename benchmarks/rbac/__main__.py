"""How long decisions take at a million effective grants, rbac and guardian alone side by side in one run.

    make bench-rbac                                    PostgreSQL and, with fewer grants, SQLite: a few minutes
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

# Of SQLite, which is for development, a fifth: to fill it with a million takes longer than to measure all the rest.
GRANTS = {"postgresql": 1_000_000, "sqlite": 200_000}


def main() -> int:
    parser = argparse.ArgumentParser(description="Decisions of rbac, measured beside guardian's.")
    parser.add_argument("--rows", type=int, help="effective grants (1000000; 200000 on SQLite)")
    parser.add_argument("--rounds", type=int, default=20, help="how often each question is asked (20)")
    parser.add_argument("--engine", choices=GRANTS, help="only this one")
    given = parser.parse_args()
    bars: list[Bar] = []
    for engine in [given.engine] if given.engine else GRANTS:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            bars += alone.submit(measured_on, engine, given.rows or GRANTS[engine], given.rounds).result()
    return judged(bars)


if __name__ == "__main__":
    sys.exit(main())
