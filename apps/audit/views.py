"""The pages of the log. Who may open them is said where they are included. Each look is an event too."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.api import record
from apps.audit.forms import Cursor, EventFilter
from apps.audit.models import Event
from apps.audit.queries import matching, of_actor, of_target, page_of


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    form = EventFilter(request.GET)
    if not form.is_valid():
        return render(request, "audit/event_list.html", {"form": form})
    page = page_of(form.cleaned_data["before"], matching(form.cleaned_data))
    record("audit.log.viewed", filters=form.filled())
    return render(request, "audit/event_list.html", {"form": form, "page": page})


@require_safe
def event_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    event = Event.objects.filter(pk=pk).first()
    if event is None:
        raise Http404("There is no such event.")
    record("audit.event.viewed", target=event)
    return render(request, "audit/event_detail.html", {"event": event})


@require_safe
def my_activity(request: HttpRequest) -> HttpResponse:
    """What the user did, and what others did to the account: who tried to sign in as me?"""
    user, form = request.user, Cursor(request.GET)
    if not user.is_authenticated:
        raise PermissionDenied
    if not form.is_valid():
        return render(request, "audit/my_activity.html", {"form": form})
    page = page_of(form.cleaned_data["before"], of_actor(user), of_target(user))
    record("audit.activity.viewed")
    return render(request, "audit/my_activity.html", {"form": form, "page": page, "me": str(user.pk)})
