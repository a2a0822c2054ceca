"""Refuses requests that another site makes a browser send (Fetch Metadata Request Headers, W3C)."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from apps.audit.api import record_after_rollback

OURS = ("same-origin", "none")
TOLD = ("Sec-Fetch-Site", "Sec-Fetch-Dest")


class FetchMetadataMiddleware:
    """From another site only a link may lead here: a GET that navigates a whole page (ASVS 3.5.1).

    Django's CSRF token stands as well: this stops in addition what needs no POST (images, frames, scripts), and
    browsers too old to send the headers have the token alone. It refuses in process_view, inside the audit context.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if not allowed(request):
            reason = "another site sent it"
            sent: dict[str, Any] = {name: request.headers.get(name, "") for name in TOLD}
            record_after_rollback("hardening.request.refused", reason=reason, **sent)
            raise PermissionDenied(reason)


def allowed(request: HttpRequest) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") in OURS:
        return True
    navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
    return request.method in ("GET", "HEAD") and navigates and request.headers.get("Sec-Fetch-Dest") == "document"
