"""What follows from a step of authentication, beside its audit event."""

from typing import Any

from allauth.account.signals import authentication_step_completed, password_reset
from axes.handlers.proxy import AxesProxyHandler
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts import lockout
from apps.accounts.models import User


@receiver(authentication_step_completed)
def rotate_session_on_reauthentication(request: HttpRequest, **kwargs: Any) -> None:
    """Sign-in rotates the key, allauth's re-authentication does not. Who knew the old one is out: ASVS 7.2.4."""
    if kwargs.get("reauthenticated"):
        request.session.cycle_key()


@receiver(password_reset)
def unlock_after_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Who has just proved the mailbox is not the guesser; only their own address is let in again."""
    AxesProxyHandler.reset_attempts(
        username=lockout.username(request, {"email": user.email}), ip_address=lockout.client_ip(request)
    )
