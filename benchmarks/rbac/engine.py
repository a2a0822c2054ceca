"""One database engine, in a process of its own: Django knows one default database."""

import os
import traceback

from benchmarks.bars import Bar


def measured_on(engine: str, rows: int, rounds: int) -> list[Bar]:
    from tests.services import database  # a throw-away PostgreSQL

    os.environ["TEST_DATABASE"] = engine
    database.choose()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.rbac.settings"
    import django

    django.setup()
    from benchmarks.rbac import measure  # needs Django set up

    try:
        return measure.run(rows, rounds)
    except Exception:  # noqa: BLE001 - not every exception of Django survives the way to the process that waits
        raise SystemExit(traceback.format_exc()) from None
