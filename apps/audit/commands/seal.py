"""Give every event that waits its place in the tree, sign a checkpoint, and tell the witnesses."""

import json
import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from apps.audit import api, live, notes, sealing, witnesses
from apps.audit.errors import AuditError, SealerBusy

emergency = logging.getLogger("audit.emergency")


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--every", type=float, metavar="SECONDS", help="go on until stopped")
    parser.add_argument("--late", action="store_true", help="also events dated before what was swept; on record")
    parser.add_argument("--json", action="store_true", help="write one JSON object a checkpoint")


def run(command: BaseCommand, *, every: float | None, late: bool, json: bool, **_: Any) -> None:
    notes.signer()  # who may only verify is told at once, and not when the first event waits
    if every is None:
        try:
            count = once(command, late=late, as_json=json)
        except SealerBusy as busy:
            count = 0
            command.stderr.write(str(busy))
        except (AuditError, DatabaseError) as error:
            raise CommandError(f"Nothing more was sealed: {error}") from error
        if not json:
            command.stdout.write(f"{count} events sealed.")
        return
    while True:
        try:
            once(command, late=False, as_json=json)
        except (AuditError, DatabaseError) as error:
            emergency.log(logging.INFO if isinstance(error, SealerBusy) else logging.CRITICAL, "Not sealed: %s", error)
        close_old_connections()
        time.sleep(every)


def once(command: BaseCommand, *, late: bool, as_json: bool) -> int:
    count = admitted = 0
    for sealed in sealing.seal(late=late):
        count, admitted = count + sealed.events, admitted + sealed.late
        live.tell_of_outside(sealed.size - sealed.events, sealed.size)
        if as_json:
            told = {"size": sealed.size, "root": sealed.root.hex(), "time": sealed.time, "events": sealed.events}
            command.stdout.write(json.dumps(told | {"late": sealed.late}))
    if admitted:
        api.record("audit.events.admitted", count=admitted)
    witnesses.tell()
    return count
