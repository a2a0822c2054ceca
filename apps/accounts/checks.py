"""System checks of accounts (`accounts.E…`). Each names its cure."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import get_hashers
from django.core.checks import CheckMessage, Tags, register

from apps.accounts.hashers import weaknesses
from config.security.checks import wrong

SIGNUP_MODES = ("open", "invitation", "closed")


@register(Tags.security)
def hashing_is_strong(**kwargs: Any) -> list[CheckMessage]:
    problems = weaknesses(get_hashers()[0])
    if not problems:
        return []
    what = f"New passwords are hashed below RFC 9106's second recommended option: {'; '.join(problems)}."
    return [wrong("accounts.E001", what, "Put apps.accounts.hashers.Argon2idHasher first in PASSWORD_HASHERS.")]


@register(Tags.security)
def signup_mode_is_known(**kwargs: Any) -> list[CheckMessage]:
    if settings.ACCOUNT_SIGNUP in SIGNUP_MODES:
        return []
    cure = f"Use one of: {', '.join(SIGNUP_MODES)}. Until then nobody can sign up."
    return [wrong("accounts.E002", f"ACCOUNT_SIGNUP is {settings.ACCOUNT_SIGNUP!r}.", cure)]


@register(Tags.security)
def lock_out_ends(**kwargs: Any) -> list[CheckMessage]:
    if settings.AXES_COOLOFF_TIME and settings.AXES_FAILURE_LIMIT <= 4:
        return []
    what = "Sign-in is locked for ever, or not before allauth's own limit hides further failures from axes."
    return [wrong("accounts.E003", what, "Set AXES_COOLOFF_TIME to a timedelta and AXES_FAILURE_LIMIT to 4 or less.")]
