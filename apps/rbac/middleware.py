"""Asks every view for its policy, and holds the caller to it."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from apps.rbac import memo, sessions, signals
from apps.rbac.decisions import refuse
from apps.rbac.errors import AccessRefused
from apps.rbac.policies import AnyView, expect_gate, is_bypassed, policy_of, told_missing


class PolicyMiddleware(LoginRequiredMiddleware):
    """After Django's own LoginRequiredMiddleware, which stays as a second layer below this one.

    An undeclared view is refused for everybody, even if the system checks were skipped. Who is not signed in is sent
    to sign in. Answers are remembered inside, for one request.
    """

    def __call__(self, request: HttpRequest) -> Any:
        with memo.remembering(), sessions.using(sessions.of_request(request)):
            response: Any = super().__call__(request)  # under ASGI a coroutine, which has asked nothing yet
            if is_bypassed(request, response):
                raise told_missing(request)
            return response

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        with memo.remembering(), sessions.using(sessions.of_request(request)):
            response: HttpResponseBase = await super().__acall__(request)
            if is_bypassed(request, response):
                raise await sync_to_async(told_missing)(request)
            return response

    def process_view(
        self, request: HttpRequest, view_func: AnyView, view_args: tuple[Any, ...], view_kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if (declared := policy_of(view_func)) is None:
            reason = f"The view {view_func.__module__}.{view_func.__qualname__} declares no policy."
            signals.tell(signals.policy_missing, outcome="denied", reason=reason, path=request.path)
            raise PermissionDenied("You may not open this page.")
        policy = declared.by_method(request.method)
        if policy.admits(request.user):
            expect_gate(request, policy)
            return None
        if not request.user.is_authenticated:
            return self.handle_no_permission(request, view_func)
        wanted = tuple(rule.permission for rule in policy.permissions())
        refuse(" or ".join(wanted), None, f"The policy of {request.path} does not admit this user.")
        raise AccessRefused("You may not open this page.", wanted)
