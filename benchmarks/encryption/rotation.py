"""Rotation of stored cells to a new data key, on a real PostgreSQL that is brought up for it."""

import json
from collections.abc import Iterator
from typing import Any

import dj_database_url
from django.conf import settings
from django.db import connections
from django.test import override_settings

from apps.encryption import ringfile, rings
from apps.encryption.inventory import Table
from apps.encryption.rotation import rotate
from apps.encryption.sweeping import Sweep
from benchmarks.bars import Bar
from tests.services.temporary_postgres import temporary_postgres

ALIAS = "postgres"
ROUNDS = 3


def measured(model: Any, rows: list[dict[str, str]]) -> Iterator[Bar]:
    """By the clock, since the server's work counts too: rows with one cell to rotate, then the cells of whole rows."""
    with temporary_postgres() as url:
        connections.settings |= connections.configure_settings(
            {"default": settings.DATABASES["default"], ALIAS: dj_database_url.parse(url)}
        )
        with connections[ALIAS].schema_editor() as editor:
            editor.create_model(model)
        model.objects.using(ALIAS).bulk_create([model(**values) for values in rows])
        fields = tuple(model._meta.local_fields[1:])
        one, all_of_them = (
            max(rotated(Table(ALIAS, model, some), len(rows)) for _ in range(ROUNDS)) for some in (fields[:1], fields)
        )
        yield Bar("rotation on PostgreSQL: rows a second", 10_000, one, at_least=True)
        yield Bar(
            f"rotation of {len(fields)} cells a row: cells a second", 10_000, all_of_them * len(fields), at_least=True
        )
        connections[ALIAS].close()


def rotated(table: Table, rows: int) -> float:
    """Rows a second, to a key that is made for it."""
    entries = json.loads(settings.FIELD_ENCRYPTION_KEYS)
    ringfile.promote(entries, ringfile.add(entries))
    override_settings(FIELD_ENCRYPTION_KEYS=json.dumps(entries)).enable()  # what is stored needs it from now on
    rings.forget()
    with Sweep() as sweep:
        rotate([table], sweep)
        seconds = sweep.seconds
    if sweep.changed != rows or sweep.failures or sweep.left:
        raise RuntimeError(f"The rotation did not do its work: {sweep}")
    return sweep.changed / seconds
