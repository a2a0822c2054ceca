"""`manage.py dbroles`: give the database roles of the site exactly the rights that the models need."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections

from config import database_roles


class Command(BaseCommand):
    help = "Gives the site's, reports' and sealer's roles their exact rights. As the owner; `migrate` does it too."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)
        parser.add_argument("--sql", "--dry-run", action="store_true", dest="only_tell", help="only print the SQL")

    def handle(self, *_: Any, database: str, only_tell: bool, **options: Any) -> None:
        if connections[database].vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles; this database has none.")
        if not (name := database_roles.name_of(database)):
            raise CommandError(
                "This is not the owner's connection, or the roles are not there. Run deploy/postgres/roles.sql once, "
                "then this with the DATABASE_URL of <name>_owner."
            )
        if only_tell:
            self.stdout.write("".join(f"{statement};\n" for statement in database_roles.statements(database, name)))
            return
        database_roles.apply(database, name)
        self.stdout.write(
            f"{name}_app, {name}_report and {name}_seal, if it is there, have the rights that the models need."
        )
