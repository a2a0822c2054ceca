"""System checks of accounts (`accounts.E…`). Each names its cure."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import get_hashers
from django.core.checks import CheckMessage, Error, Tags, register

from apps.accounts.hashers import weaknesses

SIGNUP_MODES = ("open", "invitation", "closed")


@register(Tags.security)
def hashing_is_strong(**kwargs: Any) -> list[CheckMessage]:
    problems = weaknesses(get_hashers()[0])
    if not problems:
        return []
    return [
        Error(
            f"New passwords are hashed below RFC 9106's second recommended option: {'; '.join(problems)}.",
            hint="Put apps.accounts.hashers.Argon2idHasher first in PASSWORD_HASHERS.",
            id="accounts.E001",
        )
    ]


@register(Tags.security)
def signup_mode_is_known(**kwargs: Any) -> list[CheckMessage]:
    if settings.ACCOUNT_SIGNUP in SIGNUP_MODES:
        return []
    return [
        Error(
            f"ACCOUNT_SIGNUP is {settings.ACCOUNT_SIGNUP!r}.",
            hint=f"Use one of: {', '.join(SIGNUP_MODES)}. Until then nobody can sign up.",
            id="accounts.E002",
        )
    ]


@register(Tags.security)
def lock_out_ends(**kwargs: Any) -> list[CheckMessage]:
    if settings.AXES_COOLOFF_TIME and settings.AXES_FAILURE_LIMIT <= 4:
        return []
    return [
        Error(
            "Sign-in is locked for ever, or not before allauth's own limit hides further failures from axes.",
            hint="Set AXES_COOLOFF_TIME to a timedelta and AXES_FAILURE_LIMIT to 4 or less.",
            id="accounts.E003",
        )
    ]
