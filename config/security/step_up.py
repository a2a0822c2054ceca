"""The proof of identity that activating a privileged role takes (ASVS 7.5.3): rbac asks for it by RBAC_STEP_UP."""

import time

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest


def just_proved(request: HttpRequest) -> bool:
    """Whether this session has signed in or confirmed its access within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    latest = max((record["at"] for record in get_authentication_records(request, request.user)), default=0)
    return bool(time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
