"""Turns the signals of Django, allauth and axes, each with arguments of its own, into audit events.

Successes are written in the transaction of what they tell of. Failures survive the roll-back of their request.
"""

from typing import Any

from allauth.account import signals as allauth
from allauth.account.models import EmailAddress
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import Signal, receiver
from django.http import HttpRequest

from apps.accounts import lockout
from apps.accounts.models import User
from apps.audit.api import record, record_after_rollback

DONE = {  # what a signal tells of a user, and nothing else
    user_logged_in: "accounts.session.started",
    allauth.user_signed_up: "accounts.user.registered",
    allauth.password_changed: "accounts.password.changed",
    allauth.password_reset: "accounts.password.reset",
    allauth.password_set: "accounts.password.set",
}


@receiver(list(DONE))
def done(signal: Signal, user: User, **kwargs: Any) -> None:
    record(DONE[signal], target=user)


def account_of(email: str) -> User | None:
    """Whose account was tried, for its owner's page of activity. One query, whether or not there is one."""
    return User.objects.filter(email=email).first()


@receiver(user_logged_out)
def signed_out(user: User | None, **kwargs: Any) -> None:
    if user is not None:  # signing out without being signed in is no event
        record("accounts.session.ended", target=user)


@receiver(user_login_failed)
def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    email = lockout.username(request, credentials) if request else str(credentials.get("email", ""))
    record_after_rollback(
        "accounts.sign_in.failed",
        target=account_of(email),
        outcome="denied" if refused_by_lock(request) else "failure",
        reason="locked after too many failures" if refused_by_lock(request) else "wrong email or password",
        email=email,
    )


@receiver(user_locked_out)
def locked_out(request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Once, when the lock falls; axes sends its signal for each later attempt too, which is told above as refused."""
    if not refused_by_lock(request):
        record_after_rollback("accounts.sign_in.locked", target=account_of(username), outcome="denied", email=username)


def refused_by_lock(request: HttpRequest | None) -> bool:
    """Whether axes refused the attempt unseen. Only a password that was looked at is counted."""
    locked = getattr(request, "axes_locked_out", False)
    return bool(locked and getattr(request, "axes_failures_since_start", None) is None)


@receiver(allauth.authentication_step_completed)
def reauthenticated(user: User, **kwargs: Any) -> None:
    if kwargs.get("reauthenticated"):
        record("accounts.session.reauthenticated", target=user)


@receiver(allauth.email_confirmed)
def email_confirmed(email_address: EmailAddress, **kwargs: Any) -> None:
    record("accounts.email.confirmed", target=email_address.user, email=email_address.email)


@receiver(allauth.email_changed)
def email_changed(
    user: User, from_email_address: EmailAddress | None, to_email_address: EmailAddress, **kwargs: Any
) -> None:
    if from_email_address is not None:  # None: the first one was proved, which is told above
        addresses = [from_email_address.email, to_email_address.email]
        record("accounts.email.changed", target=user, changes={"email": addresses})


@receiver(allauth.email_verification_code_rejected)
def code_rejected(user: User, **kwargs: Any) -> None:
    record_after_rollback("accounts.verification.failed", target=user, outcome="failure")
