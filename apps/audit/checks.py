"""System checks (`audit.E…`). Each names its cure."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connection

from apps.audit import notes, outside, signals, triggers
from apps.audit.errors import NoSigningKey

MIDDLEWARE = "apps.audit.middleware.AuditContextMiddleware"


@register(Tags.compatibility)
def signals_are_wired(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(problem, hint="Correct AUDIT_SIGNALS; a server does not start with it.", id="audit.E001")
        for problem in signals.problems()
    ]


@register(Tags.security)
def requests_have_a_context(**kwargs: Any) -> list[CheckMessage]:
    if MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        Error(
            "MIDDLEWARE lacks AuditContextMiddleware: events would not say who and where, and refusals would vanish.",
            hint=f"Put {MIDDLEWARE!r} after AuthenticationMiddleware, before all that refuses.",
            id="audit.E002",
        )
    ]


@register(Tags.database)
def tables_are_guarded(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"The append-only table {table} (database {using}) is not guarded: its triggers are missing or altered.",
            hint="Find out who did that and what has changed since; `manage.py migrate --skip-checks` installs them.",
            id="audit.E003",
        )
        for using in databases or ()
        for table in triggers.unguarded(using)
    ]


@register(Tags.database)
def changes_from_outside_are_seen(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if outside.is_wanted() and connection.vendor != "postgresql":
        return [Error("AUDIT_OUTSIDE needs PostgreSQL.", hint="Set it to False on SQLite.", id="audit.E006")]
    return [
        Caution(
            f"The database {using} does not tell of changes by SQL as AUDIT_OUTSIDE has it: a trigger is missing, "
            "altered or left over.",
            hint="If you have not just changed the setting or a model, find out who did that. Run `manage.py migrate`.",
            id="audit.W006",
        )
        for using in databases or ()
        if not outside.is_current(using)
    ]


@register(Tags.security, deploy=True)
def seals_can_be_signed(**kwargs: Any) -> list[CheckMessage]:
    try:
        if any(key.state == "primary" for key in notes.ring()):
            return []
        problem = f"{notes.SETTING} has no primary key: nothing can be sealed."
    except NoSigningKey as error:
        problem = str(error)
    return [Error(problem, hint="Make a ring: manage.py keys generate audit --file PATH", id="audit.E004")]
