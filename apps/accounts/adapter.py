"""What allauth leaves to the site: who may sign up, how failures are counted, what its mail says."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.accounts import lockout, signals
from apps.accounts.models import User

THROTTLE_WINDOW = timedelta(minutes=5)  # of allauth's login_failed limit, per account


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Only `open` lets strangers in; `invitation` is closed to whoever has none, which is everybody as yet."""
        return bool(settings.ACCOUNT_SIGNUP == "open")

    def is_ajax(self, request: HttpRequest) -> bool:
        """No JSON twin of each page: it would be a second way in, of which nothing here makes use."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt, unless axes is going to refuse it.

        A caller whom axes has locked out uses up nothing: else one address could go on until allauth's limit, which
        is per account, keeps the owner out too.
        """
        if not AxesProxyHandler.is_allowed(request, credentials):
            return
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as limit:
            signals.tell(
                signals.sign_in_throttled,
                target=User.objects.filter(email=lockout.username(request, credentials)).first(),
                outcome="denied",
                reason="too many failures for this account or from this address",
                details={"email": lockout.username(request, credentials)},
            )
            raise ImmediateHttpResponse(lockout.too_many_requests(request, wait=THROTTLE_WINDOW)) from limit

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether it is their password. Counted like a sign-in: a stolen session must not become a way to guess."""
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def format_email_subject(self, subject: str) -> str:
        return f"{settings.SITE_NAME}: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send with links that start with SITE_URL, never with the Host that the request claims (CWE-644)."""
        site_url = settings.SITE_URL.rstrip("/")
        site = {
            "current_site": SimpleNamespace(name=settings.SITE_NAME, domain=site_url),
            "site_name": settings.SITE_NAME,
            "site_url": site_url,
        }
        super().send_mail(template_prefix, email, context | site)
