"""Gives each request an id, and writes one line to the access log."""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from config.metrics import REQUESTS

# W3C Trace Context: version-traceid-parentid-flags. Its trace id ties our lines to the proxy's.
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger("access")


class RequestIdMiddleware:
    """Set `request.request_id` (32 hexadecimal digits), send it as X-Request-ID, log the request (ASVS 16.2.1).

    The id is the trace id of `traceparent`, which only a trusted proxy gets through TrustedProxyMiddleware. The query
    string and the body stay out of the log, since forms and links carry secrets.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = request_id_of(request.META.get("HTTP_TRACEPARENT", ""))
        request.request_id = request_id  # type: ignore[attr-defined] # what Django calls annotating a request
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        seconds = time.perf_counter() - started
        route = where(request).get("route", "none")
        REQUESTS.labels(route, str(response.status_code)).observe(seconds)
        log.info(
            "request",
            method=request.method,
            **where(request),
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
            client=request.META.get("REMOTE_ADDR"),
        )
        return response


def where(request: HttpRequest) -> dict[str, str]:
    """The route of the page, since paths carry the tokens of mailed links. Where there is no page: what was tried."""
    match = request.resolver_match
    return {"route": f"/{match.route}"} if match else {"path": request.path}


def request_id_of(traceparent: str) -> str:
    match = TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else secrets.token_hex(16)
