"""What a new password must be, beside Django's own validators."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST_PASSWORD = 1024


class MaximumLengthValidator:
    """Refuses a password longer than `max_length` characters: hashing megabytes is work that a stranger could ask for.

    It is refused and never cut short, so that every character counts (ASVS 6.2.8, 6.2.9).
    """

    def __init__(self, max_length: int = LONGEST_PASSWORD) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                _("This password is too long. It may have at most %(max_length)d characters."),
                code="password_too_long",
                params={"max_length": self.max_length},
            )

    def get_help_text(self) -> str:
        return _("It may be as long as %(max_length)d characters.") % {"max_length": self.max_length}
