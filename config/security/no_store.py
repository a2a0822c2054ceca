"""Keeps pages out of every cache, the browser's included."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control


class NoStoreMiddleware:
    """Send `Cache-Control: no-store` with each page that does not say otherwise (ASVS 14.2.2, 14.3.2).

    Not only when signed in: a sign-in form holds a CSRF token, and a page that tells nothing is cheap to send again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, no_store=True, private=True)
        return response
