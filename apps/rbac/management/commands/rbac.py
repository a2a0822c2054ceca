"""`manage.py rbac …`: questions about roles. Each is a module of `apps.rbac.commands`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.rbac import commands


class Command(BaseCommand):
    help = "What a change of the roles does."

    def add_arguments(self, parser: CommandParser) -> None:
        subcommands = parser.add_subparsers(dest="subcommand", required=True)
        for found in iter_modules(commands.__path__):
            module: Any = import_module(f"{commands.__name__}.{found.name}")
            subparser = subcommands.add_parser(found.name, help=module.__doc__.partition("\n")[0])
            module.add_arguments(subparser)
            subparser.add_argument("--json", action="store_true", help="write one JSON object")
            subparser.set_defaults(run=module.run)

    def handle(self, *_: Any, run: Any, **options: Any) -> None:
        run(self, **options)
