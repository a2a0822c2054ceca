"""`manage.py encryption`: what is stored under which key, and work on all of it: rotate, verify, migrate.

Each action can be stopped and run again, and ends with a status other than 0 if something could not be read or is left.
Progress goes to stderr, the result to stdout: as text, or with --json as one object.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.exceptions import FieldError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.encryption import inventory, migrating, rotation, stored_files, subjects, verification
from apps.encryption.errors import KeyringError
from apps.encryption.models import SubjectKey
from apps.encryption.sweeping import BATCH, Sweep

LISTED = 20  # unreadable rows shown as text; --json has more
INTERRUPTED = 130  # what a shell expects after Ctrl-C
RESULT = ("dry_run", "passed", "changed", "left", "stopped", "seconds", "failures")


class Command(BaseCommand):
    help = "Shows which keys cells need (status); rotates, verifies, migrates or erases (shred) what is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        status = actions.add_parser("status", help="count stored cells by key and index root; opens nothing")
        rotate = actions.add_parser("rotate", help="reseal what is not sealed with the present keys and index root")
        rotate.add_argument("--anew", action="store_true", help="reseal everything, and make every search tag again")
        verify = actions.add_parser("verify", help="open every cell, and see that a search finds it; changes nothing")
        verify.set_defaults(dry_run=True)
        for action in (status, rotate, verify):
            action.add_argument("names", nargs="*", help="app, app.Model or app.Model.field; all if left out")
        migrate = actions.add_parser("migrate", help="fill an encrypted field from a plain one, and compare the two")
        migrate.add_argument("names", nargs=1, metavar="app.Model.field", help="the encrypted field")
        migrate.add_argument("--from", dest="source", required=True, help="the plain field of the same model")
        migrate.add_argument("--reverse", action="store_true", help="fill the plain field from the encrypted one")
        for action in (rotate, verify, migrate):
            action.add_argument("--max-rate", type=float, default=0, metavar="ROWS", help="rows a second at most")
            action.add_argument("--batch", type=int, default=BATCH, metavar="ROWS", help="rows a transaction")
        for action in (rotate, migrate):
            action.add_argument("--dry-run", action="store_true", help="do all but the writing")
        for action in (status, rotate, verify, migrate):
            action.add_argument("--database", action="append", default=[], help="only this one; may be repeated")
            action.add_argument("--json", action="store_true", help="write one JSON object")
        shred = actions.add_parser("shred", help="destroy a person's keys: what was sealed with them is lost for good")
        shred.add_argument("subject", metavar="app.model:key", help="the person")
        shred.add_argument("--dry-run", action="store_true", help="only tell how many keys there are")
        shred.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        if action == "shred":
            self.shred(**options)
            return
        try:
            tables = inventory.tables(options["names"], options["database"])
            getattr(self, action)(tables, action=action, **options)
        except (FieldError, KeyringError, LookupError) as error:
            raise CommandError(str(error.args[0] if isinstance(error, LookupError) else error)) from error

    def status(self, tables: Sequence[inventory.Table], *, json: bool, **_: Any) -> None:
        counts = [*inventory.counts(tables), *stored_files.counts(tables)]
        if json:
            self.write_json({"action": "status", "columns": [asdict(count) for count in counts]})
            return
        self.stdout.write(f"{'field':<44}{'database':<12}{'key':<12}{'index root':<12}{'cells':>12}")
        for count in counts:
            key = count.key or "not sealed"
            self.stdout.write(f"{count.field:<44}{count.alias:<12}{key:<12}{count.root:<12}{count.cells:>12}")

    def rotate(self, tables: Sequence[inventory.Table], *, anew: bool, **options: Any) -> None:
        total = rotation.to_do(tables, anew=anew) + stored_files.number(tables)
        verb = "would be resealed" if options["dry_run"] else "resealed"
        self.sweep(total, partial(rotation.rotate, tables, anew=anew), verb, **options)

    def verify(self, tables: Sequence[inventory.Table], **options: Any) -> None:
        total = rotation.to_do(tables, anew=True) + stored_files.number(tables)
        self.sweep(total, partial(verification.verify, tables), "opened", **options)

    def migrate(self, tables: Sequence[inventory.Table], *, source: str, reverse: bool, **options: Any) -> None:
        total = sum(table.rows().count() for table in tables)
        verb = "would be filled" if options["dry_run"] else "filled"
        self.sweep(total, partial(migrating.migrate, tables, source, reverse=reverse), verb, **options)

    def shred(self, *, subject: str, dry_run: bool, yes: bool, **_: Any) -> None:
        count = SubjectKey.objects.filter(subject=subject).count()
        if not count:
            raise CommandError(f"{subject} has no key here. Is it written as app.model:key?")
        if not (dry_run or yes) and input(f"Destroy {count} keys of {subject} for good? Type shred: ") != "shred":
            raise CommandError("Nothing was destroyed.")
        told = f"Keys to destroy: {count}" if dry_run else f"Keys destroyed: {len(subjects.shred(subject))}"
        self.stdout.write(f"{told}. Without them nobody reads what was sealed with them.")

    def sweep(self, total: int, work: Callable[[Sweep], None], verb: str, **options: Any) -> None:
        """Do the work, write the result, and raise if it is not all that was asked for."""
        asked = {name: options[name] for name in ("max_rate", "batch", "dry_run")}
        with Sweep(total, say=self.stderr.write, **asked) as sweep:
            work(sweep)
        if options["json"]:
            result = {name: getattr(sweep, name) for name in RESULT}
            unreadable = [asdict(found) for found in sweep.unreadable]
            self.write_json({"action": options["action"], **result, "unreadable": unreadable})
        else:
            rate = sweep.passed / max(sweep.seconds, 1e-6)
            self.stdout.write(f"{sweep.changed} rows {verb}, {sweep.passed} looked at, {rate:.0f} a second.")
            for found in sweep.unreadable[:LISTED]:
                self.stdout.write(f"  {found.reason}: {found.label} of row {found.pk} in database {found.alias}")
        if sweep.failures:
            raise CommandError(f"{sweep.failures} cells can't be read, or not be written as they are.")
        if sweep.stopped:
            raise CommandError("Stopped. What is done is done; run it again to go on.", returncode=INTERRUPTED)
        if sweep.left and not sweep.dry_run:
            raise CommandError(f"{sweep.left} rows are left, which others were changing. Run it again.")

    def write_json(self, result: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result))
