"""What tests of seals share: events in the log, and a sealer that is asked by name."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.audit import sealing
from apps.audit.api import Happening, event_of
from apps.audit.models import Event
from apps.audit.notes import Sealed
from apps.audit.triggers import lifted
from apps.audit.writing import write


def happen(count: int = 1, *, ago: timedelta = timedelta()) -> list[Event]:
    """Events in the log, as if they had been recorded that long ago."""
    return [happened(number, ago) for number in range(count)]


def happened(number: int, ago: timedelta) -> Event:
    from apps.audit.canonical import moment, moment_of

    event = event_of("testapp.thing.changed", Happening(details={"to": number}))
    event.id = UUID(int=event.id.int - (ago // timedelta(milliseconds=1) << 80))
    event.occurred_at = moment(moment_of(event.id))
    event.digest = event.computed_digest()
    write(event)
    return event


def seal(**options: Any) -> list[Sealed]:
    return list(sealing.seal(**options))


def attack(statement: str, given: tuple[Any, ...] = ()) -> None:
    """As the owner of the database, who may drop the triggers and put them back."""
    with lifted():
        run(statement, given)


def run(statement: str, given: tuple[Any, ...] = ()) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, given)


def stored(identifier: UUID) -> str:
    return str(identifier) if connection.vendor == "postgresql" else identifier.hex
