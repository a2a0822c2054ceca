"""Who counts as one caller to the lock-out of axes, and what a caller who is locked out is told."""

import math
import unicodedata
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.cache import cache
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.accounts import signals

LONGEST_USERNAME = 255  # axes' column; compatibility characters may grow eighteen-fold under NFKC
SHORT_WAIT = timedelta(minutes=1)  # the window of most of allauth's rate limits


def username(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """One name for every spelling of an address, from whichever field the form at hand gives it in.

    Django's forms say `username`, allauth's `login`, its credentials `email`. When axes takes but one of them, or
    each spelling for another account, the lock is gone round.
    """
    given = credentials or {}
    text = given.get("email") or given.get("username") or request.POST.get("login") or request.POST.get("username")
    return unicodedata.normalize("NFKC", str(text or "")).strip().casefold()[:LONGEST_USERNAME]


def client_ip(request: HttpRequest) -> str | None:
    """The address that TrustedProxyMiddleware has established; no header is read here (CWE-348)."""
    return request.META.get("REMOTE_ADDR") or None


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page for a caller who is locked out, with the time at which the lock ends."""
    attempts = AccessAttempt.objects.filter(username=username(request, credentials), ip_address=client_ip(request))
    latest = attempts.aggregate(latest=Max("attempt_time"))["latest"] or timezone.now()
    return too_many_requests(request, wait=latest + settings.AXES_COOLOFF_TIME - timezone.now())


def rate_exceeded(request: HttpRequest) -> HttpResponse:
    """The `handler429` which allauth asks for. Told once a minute for each address: the limit is there to save work."""
    if cache.add(f"rate-exceeded:{client_ip(request)}", 1, int(SHORT_WAIT.total_seconds())):
        signals.tell(signals.rate_exceeded, outcome="denied", reason="too many requests")
    return too_many_requests(request)


def too_many_requests(request: HttpRequest, *, wait: timedelta = SHORT_WAIT) -> HttpResponse:
    """429 with `Retry-After` in seconds (RFC 6585, RFC 9110)."""
    seconds = max(1, math.ceil(wait.total_seconds()))
    response = render(request, "429.html", {"retry_after": seconds}, status=429)
    response["Retry-After"] = str(seconds)
    return response
