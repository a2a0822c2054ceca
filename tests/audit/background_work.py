"""Tasks that the tests enqueue: a task has to stand in a module."""

from django.tasks import task

from apps.audit import api
from apps.audit.tasks import resuming


@task()
@resuming
def sign(to: str) -> None:
    api.record("testapp.thing.signed", to=to)


@task()
@resuming
def refuse_and_fail() -> None:
    api.record_after_rollback("testapp.thing.refused", reason="not yours")
    raise ZeroDivisionError
