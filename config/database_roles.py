"""What PostgreSQL lets the site, its reports and its sealer do: exact rights on each table, told from the models.

Run as the owner (`<name>_owner`), after each `migrate` by itself and by `manage.py dbroles`. deploy/postgres/roles.sql
has made the roles, and default rights that fail closed: a table nobody spoke of can be read and appended to, no more.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from apps.audit.triggers import append_only_models

READ_ONLY = {"auth_permission", "django_content_type", "django_migrations"}
OF_SEALER = {  # where it has a role of its own, the site only reads these, but for events and keys
    "audit_archive": "SELECT",
    "audit_checkpoint": "SELECT, INSERT",
    "audit_event": "SELECT, INSERT",
    "audit_leaf": "SELECT, INSERT",
    "audit_progress": "SELECT, INSERT, UPDATE",
    "encryption_subjectkey": "SELECT (id)",
}
REPORTED = ("audit_archive", "audit_checkpoint", "audit_event", "audit_leaf")


def name_of(using: str) -> str:
    """What the roles' names begin with; empty unless this connection is the owner's and the other roles exist."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user")
        (user,) = cursor.fetchone()
        name = str(user).removesuffix("_owner")
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [f"{name}_app", f"{name}_report"])
        return name if name != user and cursor.fetchone()[0] == 2 else ""


def rights(using: str, *, sealer: bool) -> Iterator[tuple[str, str, str]]:
    """For each table of the owner what the app may do, what reports may, and what the sealer may, if it has a role."""
    append_only = {model._meta.db_table for model in append_only_models()}
    read_only = READ_ONLY | (OF_SEALER.keys() - {"audit_event", "encryption_subjectkey"} if sealer else set())
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND pg_get_userbyid(relowner) = current_user ORDER BY relname"
        )
        tables = [table for (table,) in cursor.fetchall()]
    for table in tables:
        may = "SELECT, INSERT, UPDATE, DELETE"
        if table in read_only | append_only:
            may = "SELECT" if table in read_only else "SELECT, INSERT"
        yield table, "app", may
        yield table, "report", "SELECT" if table in getattr(settings, "DATABASE_REPORTED", REPORTED) else ""
        if sealer:
            yield table, "seal", OF_SEALER.get(table, "")


def statements(using: str, name: str) -> Iterator[str]:
    quote = connections[using].ops.quote_name
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [f"{name}_seal"])
        sealer = cursor.fetchone() is not None
    for table, of, may in rights(using, sealer=sealer):
        role = quote(f"{name}_{of}")
        yield f"REVOKE ALL ON {quote(table)} FROM {role}"
        if may:
            yield f"GRANT {may} ON {quote(table)} TO {role}"


def apply(using: str, name: str) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:  # no moment without rights
        for statement in statements(using, name):
            cursor.execute(statement)


def apply_after_migrate(using: str = "default", **_: Any) -> None:
    if connections[using].vendor == "postgresql" and (name := name_of(using)):
        apply(using, name)
