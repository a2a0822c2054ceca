"""The time that work takes: both subjects in turn, the best of the rounds."""

import gc
import time

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.rbac.questions import Question, Timed, Work

PATIENCE = 5_000  # milliseconds for a question; it is asked twice at least


def timed(question: Question, rounds: int) -> Timed:
    """Raises AssertionError where the two differ: then they would not have been asked the same."""
    with CaptureQueriesContext(connection) as asked:
        answer = question.ours()
    assert answer == question.guardians(), f"{question.name}: the answers differ"  # noqa: S101 - as said
    ours: list[float] = []
    guardians: list[float] = []
    for done in range(rounds):
        for took, work in ((ours, question.ours), (guardians, question.guardians)):
            if done < 2 or sum(took) < PATIENCE:
                took.append(milliseconds(work))
    return Timed(min(ours), min(guardians), len(asked))


def milliseconds(work: Work) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
