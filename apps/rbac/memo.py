"""Answers remembered for one request, and for no longer: a revocation holds on the next one (ASVS 8.3.2)."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Answers:
    """Once rights have changed in a request nothing more is kept: the change may still be rolled back."""

    def __init__(self) -> None:
        self.known: dict[Hashable, bool] = {}
        self.changed = False


# None: outside of a request, where each question is asked anew.
_answers: ContextVar[Answers | None] = ContextVar("rbac_answers", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember answers inside the block."""
    token = _answers.set(Answers())
    try:
        yield
    finally:
        _answers.reset(token)


def recall(key: Hashable) -> bool | None:
    answers = _answers.get()
    return answers.known.get(key) if answers else None


def remember(key: Hashable, answer: bool) -> bool:
    answers = _answers.get()
    if answers and not answers.changed:
        answers.known[key] = answer
    return answer


def forget() -> None:
    """Rights have changed: drop what is remembered, in every thread of the request."""
    if answers := _answers.get():
        answers.known.clear()
        answers.changed = True
