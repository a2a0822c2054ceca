"""`manage.py shell`, with the encrypted fields closed until `with unseal(reason=…):` opens them, on record."""

from typing import Any

from django.core.management.commands import shell

from apps.encryption.shell import seal

NOTICE = "Encrypted values are closed. To open them, on record: with unseal(reason=…): …"


class Command(shell.Command):
    help = f"{shell.Command.help} {NOTICE}"

    def handle(self, **options: Any) -> None:
        seal()
        if not options.get("command"):
            self.stderr.write(NOTICE)
        super().handle(**options)

    def get_auto_imports(self) -> list[str]:
        return [*(super().get_auto_imports() or ()), "apps.encryption.shell.unseal"]
