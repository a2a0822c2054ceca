"""How long encrypted fields take, ours and the peers', as multiples of a plain CharField in the same run; then files
beside raw AES-GCM, and rotation on PostgreSQL.

    make bench-encryption                  all of it, about four minutes
    make bench-encryption ARGS="--rows 2000 --rounds 2"

Each round takes the subjects in turn, so that all meet the machine as it is then; the best of the rounds counts. Ends
with «N of M bars held», and with status 1 if one is not.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.bars import judged
from benchmarks.encryption import settings


def main() -> int:
    parser = argparse.ArgumentParser(description="Encrypted fields and files, measured beside their peers.")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of four columns (10000)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each subject is measured (7)")
    parser.add_argument("--without-peers", action="store_true", help="only plain columns and ours")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings.set_up(Path(folder))
        from benchmarks.encryption import measure  # needs Django set up

        return judged(measure.run(given.rows, given.rounds, peers=not given.without_peers))


if __name__ == "__main__":
    sys.exit(main())
