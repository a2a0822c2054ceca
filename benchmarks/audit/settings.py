"""Django for the measurement: every subject in one process and one database, SQLite or PostgreSQL."""

import os
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings


def set_up(url: str) -> None:
    """url: `sqlite:///PATH` or `postgresql://…`."""
    postgresql = url.startswith("postgresql")
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "auditlog",
            "simple_history",
            *(["pgtrigger", "pghistory"] if postgresql else []),
            "apps.audit",
            "benchmarks.audit.app.BenchmarkConfig",
        ],
        DATABASES={"default": database(url) | {"ATOMIC_REQUESTS": True}},
        SECRET_KEY=os.urandom(32).hex(),
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["apps.audit.middleware.AuditContextMiddleware"],
    )
    django.setup()


def database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # As a site with several writers has to set it: wait, and take the lock when a transaction begins.
        options = {"timeout": 60, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path, "OPTIONS": options}
    # Without server-side binding, which the kit has on: pghistory's context can't work with it.
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", unquote(parts.netloc.rpartition("@")[2].partition(":")[0])),
        "PORT": query.get("port", parts.port or ""),
    }


def make_tables() -> None:
    """After all migrations: the subjects' foreign keys point at their tables."""
    from django.apps import apps
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for model in apps.get_app_config("audit_benchmark").get_models():
            editor.create_model(model)
    if connection.vendor == "postgresql":
        call_command("pgtrigger", "install", verbosity=0)
