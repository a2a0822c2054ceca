"""What a new password must be, beside Django's own validators."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST_PASSWORD = 1024


class MaximumLengthValidator:
    """Refuses a password above LONGEST_PASSWORD characters: hashing megabytes is work that a stranger could ask for.

    It is refused and never cut short, so that every character counts (ASVS 6.2.8, 6.2.9).
    """

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > LONGEST_PASSWORD:
            what = _("This password is too long. It may have at most %(max_length)d characters.")
            raise ValidationError(what, code="password_too_long", params={"max_length": LONGEST_PASSWORD})

    def get_help_text(self) -> str:
        return _("It may be as long as %(max_length)d characters.") % {"max_length": LONGEST_PASSWORD}
