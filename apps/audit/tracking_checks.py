"""System checks of tracked models (`audit.E010` and on): what would be missed in silence is an error instead."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from apps.audit.querysets import AuditedQuerySet, shows_all_rows
from apps.audit.tracking import Tracked, all_tracked


@register(Tags.models)
def tracked_fields_exist(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{found.model._meta.label}.Audit names {', '.join(found.unknown)}, which it has no field for.",
            hint="Correct track, exclude or sensitive. The key is never tracked: it is the event's target.",
            obj=found.model,
            id="audit.E010",
        )
        for found in all_tracked()
        if found.unknown
    ]


@register(Tags.models)
def tracked_managers_are_audited(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{found.model._meta.label} is tracked, and its manager {name} would change rows unseen.",
            hint="Give it a queryset with apps.audit.querysets.AuditedQuerySet. Where the default manager hides rows, "
            "name another one, which shows all of them, in Meta.base_manager_name.",
            obj=found.model,
            id="audit.E011",
        )
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
    return [
        Error(
            f"{found.model._meta.label}.{column.name} lets the database change or delete tracked rows, unseen.",
            hint="Use the on_delete of the same name without DB_.",
            obj=found.model,
            id="audit.E012",
        )
        for found in all_tracked()
        for column in found.model._meta.concrete_fields
        if getattr(column.remote_field, "on_delete", None) in by_the_database
    ]
