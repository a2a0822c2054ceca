"""Hears from browsers what the content security policy stopped (W3C CSP 3): an injection, or a mistake of ours.

Anybody can send such a report. So it is small, few are read from one address, no text of it reaches the log but names
and origins, and each distinct violation is told once a day.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.audit.api import record
from apps.rbac.policies import policy, public

CONTENT_TYPES = ("application/csp-report", "application/reports+json")
LARGEST = 16 * 1024  # bytes
A_MINUTE = 20  # requests of one address
AT_ONCE = 10  # violations of one request
DAY = 24 * 60 * 60  # seconds

log = structlog.get_logger("csp")


class Violation(NamedTuple):
    directive: str
    blocked: str
    page: str


@csrf_exempt  # a browser sends its reports without a token; they change nothing
@require_POST
@policy(public(reason="a browser reports without being asked for whom"))
def csp_reports(request: HttpRequest) -> HttpResponse:
    """204 for what was read, 413, 415 or 429 for what was not, 400 for what is no report."""
    if request.content_type not in CONTENT_TYPES:
        return HttpResponse(status=415)
    if too_many(request.META.get("REMOTE_ADDR", "")):
        return HttpResponse(status=429, headers={"Retry-After": "60"})
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return HttpResponse(status=413)
    try:
        violations = list(violations_in(json.loads(body)))[:AT_ONCE]
    except (AttributeError, RecursionError, TypeError, ValueError):
        return HttpResponse(status=400)
    for violation in dict.fromkeys(violations):
        tell(violation)
    return HttpResponse(status=204)


def too_many(address: str) -> bool:
    key = f"csp:from:{address}"
    cache.add(key, 0, 60)
    try:
        return cache.incr(key) > A_MINUTE
    except ValueError:  # it has just expired
        return False


def violations_in(document: Any) -> Iterator[Violation]:
    """Of the Reporting API a list, of `report-uri` one; the names of their members differ."""
    if isinstance(document, list):
        for each in document:
            if each.get("type") == "csp-violation":
                body = each.get("body", {})
                yield violation(body.get("effectiveDirective"), body.get("blockedURL"), body.get("documentURL"))
        return
    body = document.get("csp-report", {})
    named = body.get("effective-directive") or body.get("violated-directive")
    yield violation(named, body.get("blocked-uri"), body.get("document-uri"))


def violation(directive: Any, blocked: Any, page: Any) -> Violation:
    return Violation(str(directive or "").partition(" ")[0][:50], origin(str(blocked or "")), route(str(page or "")))


def origin(url: str) -> str:
    """Scheme and host, or a word such as `inline`: a path may hold what somebody stole."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"[:100] if parts.netloc else (parts.scheme or url)[:30]


def route(url: str) -> str:
    """The page's pattern: its address may hold the token of a mailed link (ASVS 16.2.5)."""
    try:
        return f"/{resolve(urlsplit(url).path).route}"
    except Resolver404:
        return ""


def tell(found: Violation) -> None:
    known = sha256(repr(found).encode()).hexdigest()
    if cache.add(f"csp:told:{known}", 1, DAY):
        log.warning("csp_violated", **found._asdict())
        record("hardening.csp.violated", outcome="denied", **found._asdict())
