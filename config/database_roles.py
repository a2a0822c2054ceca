"""What the database lets the site and its reports do: exact rights on each table, told from the models. PostgreSQL.

Run as the owner (`<name>_owner`), after each `migrate` by itself and by `manage.py dbroles`. deploy/postgres/roles.sql
has made the roles, and default rights that fail closed: a table nobody spoke of can be read and appended to, no more.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, transaction

READ_ONLY = {"auth_permission", "django_content_type", "django_migrations"}
REPORTED = ("audit_archive", "audit_checkpoint", "audit_event", "audit_leaf")


def name_of(using: str) -> str:
    """What the roles' names begin with; empty unless this connection is the owner's and the other roles exist."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user")
        (user,) = cursor.fetchone()
        name = str(user).removesuffix("_owner")
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [f"{name}_app", f"{name}_report"])
        return name if name != user and cursor.fetchone()[0] == 2 else ""


def rights(using: str) -> Iterator[tuple[str, str, str]]:
    """For each table of the owner what the app may do, and what reports may."""
    append_only = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if getattr(model, "append_only", False)
    }
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND pg_get_userbyid(relowner) = current_user ORDER BY relname"
        )
        tables = [table for (table,) in cursor.fetchall()]
    for table in tables:
        may = "SELECT, INSERT, UPDATE, DELETE"
        if table in READ_ONLY | append_only:
            may = "SELECT" if table in READ_ONLY else "SELECT, INSERT"
        yield table, may, "SELECT" if table in getattr(settings, "DATABASE_REPORTED", REPORTED) else ""


def statements(using: str, name: str) -> Iterator[str]:
    quote = connections[using].ops.quote_name
    for table, of_app, of_report in rights(using):
        for role, may in ((f"{name}_app", of_app), (f"{name}_report", of_report)):
            yield f"REVOKE ALL ON {quote(table)} FROM {quote(role)}"
            if may:
                yield f"GRANT {may} ON {quote(table)} TO {quote(role)}"


def apply(using: str, name: str) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:  # no moment without rights
        for statement in statements(using, name):
            cursor.execute(statement)


def apply_after_migrate(using: str = "default", **_: Any) -> None:
    if connections[using].vendor == "postgresql" and (name := name_of(using)):
        apply(using, name)
