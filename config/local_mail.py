"""Mail for local runs: printed as it reads. Django's own console backend encodes it, which breaks long links."""

from typing import Any

from django.core.mail.backends.console import EmailBackend as ConsoleBackend
from django.core.mail.message import EmailMessage


class EmailBackend(ConsoleBackend):
    """`write_message` is the one step of Django's backend that differs."""

    def write_message(self, message: EmailMessage) -> None:
        stream: Any = self.stream
        stream.write(f"\n── Mail to {', '.join(message.to)}: {message.subject}\n{message.body}\n──\n")
