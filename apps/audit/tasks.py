"""Tasks that know for whom they work (django.tasks): who enqueued one, and in which request, is told by its events.

    @task()
    @resuming
    def send_reminder(invoice: str) -> None: ...

    submit(send_reminder, str(invoice.pk))

Another queue does the same with `carried()`, plain JSON, and `resumed(…)`. Whoever can write to the queue can name
anybody there: it is to be guarded as the database is.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.db import transaction
from django.tasks import Task

from apps.audit.context import carried, resumed


def submit(task: "Task[..., Any]", *args: Any, **kwargs: Any) -> None:
    """Enqueue the task when the transaction is committed, with the context as it is now."""
    transaction.on_commit(partial(task.enqueue, *args, audit_context=carried(), **kwargs))


def resuming[R](work: Callable[..., R]) -> Callable[..., R]:
    @wraps(work)
    def run(*args: Any, audit_context: Any = None, **kwargs: Any) -> R:
        with resumed(audit_context or {}):
            return work(*args, **kwargs)

    return run
