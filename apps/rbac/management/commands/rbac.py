"""`manage.py rbac …`: questions about roles. Each is a module of `apps.rbac.commands`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.rbac import commands


class Command(BaseCommand):
    help = "Says who may do what and why, what a change of the roles would do, and what a review should look at."

    def add_arguments(self, parser: CommandParser) -> None:
        subcommands = parser.add_subparsers(dest="subcommand", required=True)
        for found in iter_modules(commands.__path__):
            module: Any = import_module(f"{commands.__name__}.{found.name}")
            first = module.__doc__.partition("\n")[0]
            subparser = subcommands.add_parser(found.name, help=first, description=module.__doc__)
            module.add_arguments(subparser)
            subparser.add_argument("--json", action="store_true", help="write one JSON object")
            subparser.set_defaults(run=module.run)

    def handle(self, *_: Any, run: Any, **options: Any) -> None:
        run(self, **options)
