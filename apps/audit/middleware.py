"""Gives every event of a request its origin, and writes the refusals after the view's transaction has ended."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.audit.context import of_request
from apps.audit.signals import refuse_broken_wiring


class AuditContextMiddleware:
    """Its place: after authentication, which it asks for the user, and outside of whatever may refuse.

    `ATOMIC_REQUESTS` wraps the view alone, so inside `__call__` the view's transaction is over, committed or rolled
    back. What is then written and fails raises NotRecorded: the answer is a 500, not a page that nobody recorded.
    A streaming response goes on after that: record before it starts.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        refuse_broken_wiring()
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with of_request(request):
            return self.get_response(request)
