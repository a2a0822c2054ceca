"""Small views that succeed, refuse and fail in the ways that the audit log must survive."""

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.audit.api import record, record_after_rollback
from apps.audit.errors import NotRecorded
from tests.testapp.models import Thing


def change(request: HttpRequest) -> HttpResponse:
    record("testapp.thing.changed", target=Thing.objects.create(title="a thing"), to="new")
    return HttpResponse("changed")


def change_then_fail(request: HttpRequest) -> HttpResponse:
    change(request)
    raise ZeroDivisionError


def refuse(request: HttpRequest) -> HttpResponse:
    change(request)
    record_after_rollback("testapp.thing.refused", reason="not yours")
    raise PermissionDenied


@transaction.non_atomic_requests
async def refuse_asynchronously(request: HttpRequest) -> HttpResponse:
    await sync_to_async(record_after_rollback)("testapp.thing.refused", reason="not yours")
    raise PermissionDenied


def refuse_twice_and_answer(request: HttpRequest) -> HttpResponse:
    for reason in ("first", "second"):
        record_after_rollback("testapp.thing.refused", reason=reason)
    return HttpResponse("all the same")


def view(request: HttpRequest) -> HttpResponse:
    for number in range(3):
        record("testapp.thing.viewed", number=number)
    return HttpResponse("viewed")


def view_then_fail(request: HttpRequest) -> HttpResponse:
    view(request)
    raise ZeroDivisionError


def swallow(request: HttpRequest) -> HttpResponse:
    """Ignores that an event could not be written. The change must not be committed all the same."""
    Thing.objects.create(title="unrecorded")
    try:
        record("testapp.thing.unheard_of")
    except NotRecorded:
        return HttpResponse("as if nothing had happened")
    return HttpResponse("recorded")


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("refused", status=403)


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse("failed", status=500)


urlpatterns = [
    path("change/<int:pk>/", lambda request, pk: change(request)),
    path("change-then-fail/", change_then_fail),
    path("plain/", lambda request: HttpResponse("nothing happened")),
    path("refuse/", refuse),
    path("refuse-asynchronously/", refuse_asynchronously),
    path("refuse-twice/", refuse_twice_and_answer),
    path("swallow/", swallow),
    path("view/", view),
    path("view-then-fail/", view_then_fail),
]
