"""`manage.py audit SUBCOMMAND`: each is a module of `apps.audit.commands`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import commands
from apps.audit.context import acting_as
from apps.audit.errors import NoSigningKey


class Command(BaseCommand):
    help = "Seals the audit log, proves what it holds, finds what was tampered with, and keeps it small."

    def add_arguments(self, parser: CommandParser) -> None:
        subcommands = parser.add_subparsers(dest="subcommand", required=True)
        for found in iter_modules(commands.__path__):
            module: Any = import_module(f"{commands.__name__}.{found.name}")
            subparser = subcommands.add_parser(found.name, help=module.__doc__.partition("\n")[0])
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)

    def handle(self, *_: Any, subcommand: str, run: Any, **options: Any) -> None:
        with acting_as(None, reason=f"manage.py audit {subcommand}"):
            try:
                run(self, **options)
            except NoSigningKey as error:
                raise CommandError(f"Nothing was signed: {error}") from error
