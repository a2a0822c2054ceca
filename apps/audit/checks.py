"""System checks (`audit.E…`; of tracked models from E010 on): what would be missed in silence. Each names its cure."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connection, models

from apps.audit import notes, outside, signals, triggers, witnesses
from apps.audit.errors import NoSigningKey
from apps.audit.querysets import AuditedQuerySet, shows_all_rows
from apps.audit.tracking import Tracked, all_tracked

MIDDLEWARE = "apps.audit.middleware.AuditContextMiddleware"


def wrong(name: str, what: str, cure: str, model: Any = None) -> CheckMessage:
    return Error(what, hint=cure, obj=model, id=f"audit.{name}")


@register(Tags.compatibility)
def signals_are_wired(**kwargs: Any) -> list[CheckMessage]:
    cure = "Correct AUDIT_SIGNALS; a server does not start with it."
    return [wrong("E001", problem, cure) for problem in signals.problems()]


@register(Tags.security)
def requests_have_a_context(**kwargs: Any) -> list[CheckMessage]:
    if MIDDLEWARE in settings.MIDDLEWARE:
        return []
    what = "MIDDLEWARE lacks AuditContextMiddleware: events would not say who and where, and refusals would vanish."
    return [wrong("E002", what, f"Put {MIDDLEWARE!r} after AuthenticationMiddleware, before all that refuses.")]


@register(Tags.database)
def tables_are_guarded(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    what = "The append-only table {} (database {}) is not guarded: its triggers are missing or altered."
    cure = "Find out who did that and what has changed since; `manage.py migrate --skip-checks` installs them."
    return [
        wrong("E003", what.format(table, using), cure)
        for using in databases or ()
        for table in triggers.unguarded(using)
    ]


@register(Tags.database)
def changes_from_outside_are_seen(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if outside.is_wanted() and connection.vendor != "postgresql":
        return [wrong("E006", "AUDIT_OUTSIDE needs PostgreSQL.", "Set it to False on SQLite.")]
    what = "The database {} does not tell of changes by SQL as AUDIT_OUTSIDE has it: a trigger is missing or altered."
    cure = "If you have not just changed the setting or a model, find out who did that. Run `manage.py migrate`."
    return [
        Caution(what.format(using), hint=cure, id="audit.W006")
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
    return [wrong("E004", problem, "Make a ring: manage.py keys generate audit --file PATH")]


@register(Tags.security)
def witnesses_can_be_told(**kwargs: Any) -> list[CheckMessage]:
    cure = "Correct AUDIT_WITNESSES. S3 needs boto3: install requirements/kms.txt."
    return [wrong("E005", problem, cure) for problem in witnesses.problems()]


@register(Tags.models)
def tracked_fields_exist(**kwargs: Any) -> list[CheckMessage]:
    what = "{}.Audit names {}, which it has no field for."
    cure = "Correct track, exclude or sensitive. The key is never tracked: it is the event's target."
    return [
        wrong("E010", what.format(found.model._meta.label, ", ".join(found.unknown)), cure, found.model)
        for found in all_tracked()
        if found.unknown
    ]


@register(Tags.models)
def tracked_managers_are_audited(**kwargs: Any) -> list[CheckMessage]:
    what = "{} is tracked, and its manager {} would change rows unseen."
    cure = (
        "Give it a queryset with apps.audit.querysets.AuditedQuerySet. Where the default manager hides rows, name "
        "another one, which shows all of them, in Meta.base_manager_name."
    )
    return [
        wrong("E011", what.format(found.model._meta.label, name), cure, found.model)
        for found in all_tracked()
        for name in unaudited_managers(found)
    ]


def unaudited_managers(found: Tracked) -> list[str]:
    base = found.model._base_manager
    named = {manager.name: manager for manager in (*found.model._meta.managers, base)}
    names = [name for name, manager in named.items() if not isinstance(manager.get_queryset(), AuditedQuerySet)]
    return names if shows_all_rows(base) else [*names, base.name]


@register(Tags.models)
def tracked_rows_are_deleted_by_django(**kwargs: Any) -> list[CheckMessage]:
    by_the_database = (models.DB_CASCADE, models.DB_SET_DEFAULT, models.DB_SET_NULL)
    what, cure = "{}.{} lets the database change or delete tracked rows, unseen.", "Use the on_delete without DB_."
    return [
        wrong("E012", what.format(found.model._meta.label, column.name), cure, found.model)
        for found in all_tracked()
        for column in found.model._meta.concrete_fields
        if getattr(column.remote_field, "on_delete", None) in by_the_database
    ]
