"""The database's own refusal to change or delete rows of append-only tables: triggers, on SQLite and PostgreSQL.

The app's one module of raw SQL. Guarded is every model with `append_only = True`. Each `migrate` installs what is
missing, since Django's remake of a table on SQLite drops its triggers in silence; a database check (audit.E003) proves
that they are there. All that enters SQL are names of tables and columns of models, quoted by the backend.

What triggers cannot stop is the table's owner, who may drop them: so the runtime role owns nothing, and seals find out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, UniqueConstraint

ROW_TRIGGER, TRUNCATE_TRIGGER, FUNCTION = "append_only_rows", "append_only_truncate", "audit_refuse_change"

FUNCTION_BODY = """
BEGIN
    RAISE EXCEPTION 'append-only: % refuses %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
"""

# pg_trigger.tgtype is a sum of bits: row 1, before 2, delete 8, update 16, truncate 32.
ROW_BITS, TRUNCATE_BITS = 1 + 2 + 8 + 16, 2 + 32


def append_only_models() -> list[type[Model]]:
    """The concrete models whose tables only grow."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if getattr(model, "append_only", False) and model._meta.managed and not model._meta.proxy
    ]


def unguarded(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """The append-only tables of this database whose triggers are missing, disabled or altered."""
    connection = connections[using]
    return [model._meta.db_table for model in present(connection) if not is_guarded(connection, model)]


def install(using: str = DEFAULT_DB_ALIAS, **_: Any) -> list[str]:
    """Guard every append-only table that is not guarded; the tables where there was something to do. Idempotent.

    Receiver of post_migrate.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        tables = unguarded(using)
        for model in present(connection):
            if model._meta.db_table in tables:
                guard(connection, model)
    return tables


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Take the triggers away for this block, in one transaction: whatever happens inside, no other connection and no
    crash ever sees the tables unguarded. For archiving, as the owner, and for the teardown of tests. Nothing else.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        for model in present(connection):
            unguard(connection, model)
        yield
        install(using)


def present(connection: BaseDatabaseWrapper) -> list[type[Model]]:
    tables = set(connection.introspection.table_names())
    return [
        model
        for model in append_only_models()
        if model._meta.db_table in tables and router.allow_migrate_model(connection.alias, model)
    ]


def is_guarded(connection: BaseDatabaseWrapper, model: type[Model]) -> bool:
    if connection.vendor == "postgresql":
        return postgresql_is_guarded(connection, model._meta.db_table)
    wanted = sqlite_triggers(connection, model)
    return all(sqlite_sources(connection, model).get(name) == source for name, source in wanted.items())


def guard(connection: BaseDatabaseWrapper, model: type[Model]) -> None:
    unguard(connection, model)
    if connection.vendor == "postgresql":
        statements = postgresql_statements(connection, model._meta.db_table)
    else:
        statements = list(sqlite_triggers(connection, model).values())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def unguard(connection: BaseDatabaseWrapper, model: type[Model]) -> None:
    quote, table = connection.ops.quote_name, model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name in (ROW_TRIGGER, TRUNCATE_TRIGGER):
                cursor.execute(f"DROP TRIGGER IF EXISTS {quote(name)} ON {quote(table)}")
        else:
            for name in sqlite_triggers(connection, model):
                cursor.execute(f"DROP TRIGGER IF EXISTS {quote(name)}")


def postgresql_statements(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """ALWAYS: also under `session_replication_role = replica`, which silences ordinary triggers."""
    quote = connection.ops.quote_name
    on, run = quote(table), f"EXECUTE FUNCTION {quote(FUNCTION)}()"
    return [
        f"CREATE OR REPLACE FUNCTION {quote(FUNCTION)}() RETURNS trigger LANGUAGE plpgsql AS $${FUNCTION_BODY}$$",
        f"CREATE TRIGGER {quote(ROW_TRIGGER)} BEFORE UPDATE OR DELETE ON {on} FOR EACH ROW {run}",
        f"CREATE TRIGGER {quote(TRUNCATE_TRIGGER)} BEFORE TRUNCATE ON {on} FOR EACH STATEMENT {run}",
        f"ALTER TABLE {on} ENABLE ALWAYS TRIGGER {quote(ROW_TRIGGER)}",
        f"ALTER TABLE {on} ENABLE ALWAYS TRIGGER {quote(TRUNCATE_TRIGGER)}",
    ]


def postgresql_is_guarded(connection: BaseDatabaseWrapper, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trigger.tgname, trigger.tgtype "
            "FROM pg_trigger trigger JOIN pg_proc proc ON proc.oid = trigger.tgfoid "
            "WHERE trigger.tgrelid = to_regclass(%s) AND trigger.tgenabled = 'A' AND trigger.tgqual IS NULL "
            "AND trigger.tgattr = ''::int2vector AND proc.prosrc = %s",
            [connection.ops.quote_name(table), FUNCTION_BODY],
        )
        return {(ROW_TRIGGER, ROW_BITS), (TRUNCATE_TRIGGER, TRUNCATE_BITS)} <= set(cursor.fetchall())


def sqlite_triggers(connection: BaseDatabaseWrapper, model: type[Model]) -> dict[str, str]:
    """The triggers of a table: name → source.

    `REPLACE INTO` and upserts delete the old row without asking a DELETE trigger (SQLite, "recursive_triggers"), hence
    the guard on INSERT: it refuses a row which collides with another in any unique column, or in the rowid. Before an
    insert SQLite gives a rowid that is yet to be chosen as -1: a row that really had it would collide with every later
    one, and jam the log.
    """
    if connection.vendor != "sqlite":
        raise ImproperlyConfigured("Append-only tables are guarded on SQLite and PostgreSQL; this is neither.")
    quote, table = connection.ops.quote_name, model._meta.db_table
    keys = [["rowid"], *([quote(name) for name in names] for names in unique_columns(model))]
    collides = " OR ".join("(" + " AND ".join(f"{key} = NEW.{key}" for key in names) + ")" for names in keys)
    on = quote(table)
    events = {
        "update": f"BEFORE UPDATE ON {on}",
        "delete": f"BEFORE DELETE ON {on}",
        "insert": f"BEFORE INSERT ON {on} WHEN EXISTS (SELECT 1 FROM {on} WHERE {collides})",  # noqa: S608 - quoted names of a model
        "rowid": f"AFTER INSERT ON {on} WHEN NEW.rowid = -1",
    }
    return {
        (name := f"{table}_append_only_{event}"): f"CREATE TRIGGER {quote(name)} {when} BEGIN "
        f"SELECT RAISE(ABORT, 'append-only: {table} refuses this {event}'); END"
        for event, when in events.items()
    }


def sqlite_sources(connection: BaseDatabaseWrapper, model: type[Model]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [model._meta.db_table]
        )
        return dict(cursor.fetchall())


def unique_columns(model: type[Model]) -> list[list[str]]:
    """The columns of every unique key. Raises ImproperlyConfigured for one that the guard on INSERT can't compare."""
    options = model._meta
    groups = [[field.name] for field in options.concrete_fields if field.unique]
    groups += [list(names) for names in options.unique_together]
    for each in options.constraints:
        if isinstance(each, UniqueConstraint):
            if each.condition is not None or each.expressions:
                raise ImproperlyConfigured(f"{model._meta.label}: a REPLACE goes round {each.name}; use plain columns.")
            groups.append(list(each.fields))
    columns = {field.name: str(field.column) for field in options.concrete_fields}
    return [[columns[name] for name in names] for names in groups]
