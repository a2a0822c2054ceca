"""A process that serves does not start with settings that the checks call weak, nor before the migrations."""

import logging
from contextlib import suppress

from django.conf import settings
from django.core.checks import WARNING, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from apps.audit.api import record
from apps.audit.errors import NotRecorded

emergency = logging.getLogger("audit.emergency")


def refuse_weak_start() -> None:
    """Run the deployment checks and look for migrations that are not applied. Local settings are let off.

    Raises:
        ImproperlyConfigured: with one list of all that was found, each with its cure.
    """
    if settings.DEMO:
        return
    if found := unreachable_database() or [*missing_migrations(), *weak_settings()]:
        tell(found)
        lines = "\n".join(f"  {number}. {text}" for number, text in enumerate(found, 1))
        raise ImproperlyConfigured(f"The site does not start: {len(found)} problem(s) found.\n{lines}")


def tell(found: list[str]) -> None:
    """To the emergency log, and to the audit log if there is a database to hold it."""
    problems = [text.partition(":")[0][:80] for text in found]
    emergency.critical("The site does not start: %s.", ", ".join(problems))
    with suppress(NotRecorded):  # which has told the emergency log too
        record("hardening.start.refused", outcome="denied", problems=problems)


def unreachable_database() -> list[str]:
    try:
        connections[DEFAULT_DB_ALIAS].ensure_connection()
    except DatabaseError as error:
        return [f"DATABASE_URL: the database can't be reached. It says: {str(error).strip()}"]
    return []


def missing_migrations() -> list[str]:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return []
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:5])
    return [f"The database lacks {len(plan)} migration(s), {names} first. As its owner, run: manage.py migrate"]


def weak_settings() -> list[str]:
    messages = run_checks(include_deployment_checks=True, databases=[DEFAULT_DB_ALIAS])
    return [
        f"{message.id}: {message.msg}" + (f" {message.hint}" if message.hint else "")
        for message in messages
        if message.level >= WARNING and not message.is_silenced()
    ]
