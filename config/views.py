"""Pages of no app: the way in, health, and what a visitor sees when a request fails."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from apps.audit.api import record_after_rollback
from apps.rbac.policies import login, policy, public
from config.metrics import exposition
from config.navigation import links_for

TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


@require_safe
@policy(login())
def home(request: HttpRequest) -> HttpResponse:
    """The first page of the navigation that the user may open; a page that says so where there is none."""
    for link in links_for(request.user):
        return redirect(link.url_name)
    return render(request, "home.html")


@require_safe
@policy(public(reason="the orchestrator asks whether the process lives; the answer tells nothing else"))
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "live"})


@require_safe
@policy(public(reason="the load balancer asks whether to send requests; the answer tells nothing else"))
def ready(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ready"})


@require_safe
@policy(public(reason="Prometheus has no session: it shows METRICS_TOKEN; without one there is no such page"))
def metrics(request: HttpRequest) -> HttpResponse:
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        record_after_rollback("hardening.request.refused", reason="its token for the metrics was not ours")
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TOO_LARGE):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    record_after_rollback("hardening.request.refused", reason="its form was not one of ours", csrf=reason)
    return render(request, "403_csrf.html", status=403)
