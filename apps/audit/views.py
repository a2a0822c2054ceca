"""The pages of the log. Who may open them is said where they are included. Each look is an event too."""

from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit import queries
from apps.audit.api import record
from apps.audit.canonical import harmless
from apps.audit.chart import STACK, chart, days_of
from apps.audit.commands.prove import proof as proof_of
from apps.audit.exports import download
from apps.audit.forms import Below, Cursor, EventFilter, Period
from apps.audit.looking import look
from apps.audit.models import Checkpoint, Event
from apps.audit.seals import status


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    form = EventFilter(request.GET)
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        filters = form.cleaned_data
        shown["page"] = queries.page_of(filters["before"], *queries.by_index(filters))
        look("audit.log.viewed", filters=form.filled())
        shown |= {"days": [] if filters["before"] else days_of(filters), "outcomes": STACK.items()}
    return render(request, "audit/event_list.html", shown)


@require_safe
def days(request: HttpRequest, *, drawn: bool = False) -> HttpResponse:
    """Events by day: a page of numbers, or only their drawing, which the list loads lazily: then both are one look."""
    form = EventFilter(request.GET)
    if not form.is_valid():
        return render(request, "audit/event_list.html", {"form": form})
    look("audit.log.viewed", filters=form.filled())
    bars = chart(form.cleaned_data)
    shown = {"form": form, "bars": bars, "days": [bar.day for bar in bars], "outcomes": STACK.items()}
    if drawn:
        return render(request, "audit/days.svg", shown, content_type="image/svg+xml")
    return render(request, "audit/days.html", shown | {"most": max((bar.total for bar in bars), default=0)})


@require_safe
def event_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    event = Event.objects.filter(pk=pk).first()
    if event is None:
        raise Http404("There is no such event.")
    look("audit.event.viewed", event)
    leaf, checkpoint = queries.seal_of(event) or (None, None)
    agrees = leaf is not None and bytes(leaf.digest).hex() == event.digest
    seal = {"leaf": leaf, "checkpoint": checkpoint, "agrees": agrees}
    return render(request, "audit/event_detail.html", {"event": event, "others": queries.of_request(event), **seal})


@require_safe
def proof(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The event's path to a signed root, as JSON that SPEC.md explains and anybody can check."""
    event = Event.objects.filter(pk=pk).first()
    leaf, checkpoint = (event and queries.seal_of(event)) or (None, None)
    if leaf is None or checkpoint is None:
        raise Http404("There is no such event, or it is not sealed yet.")
    look("audit.event.viewed", event)
    attachment = {"Content-Disposition": f'attachment; filename="proof-{pk}.json"'}
    return JsonResponse(proof_of(leaf, checkpoint), headers=attachment)


@require_safe
def integrity(request: HttpRequest) -> HttpResponse:
    """Is the log sealed, verified and witnessed? With every checkpoint, to be kept elsewhere."""
    form = Below(request.GET)
    below = form.cleaned_data["before"] if form.is_valid() else None
    checkpoints = Checkpoint.objects.order_by("-size")
    newest = list((checkpoints.filter(size__lt=below) if below else checkpoints)[: queries.PAGE_SIZE + 1])
    look("audit.integrity.viewed")
    page = {"older": newest[queries.PAGE_SIZE - 1].size if len(newest) > queries.PAGE_SIZE else None}
    shown = {"form": form, "status": status(), "checkpoints": newest[: queries.PAGE_SIZE], "page": page}
    return render(request, "audit/integrity.html", shown)


@require_safe
def checkpoint(request: HttpRequest, size: int) -> HttpResponse:
    found = Checkpoint.objects.filter(size=size).first()
    if found is None:
        raise Http404("There is no such checkpoint.")
    look("audit.integrity.viewed", checkpoint=size)
    attachment = {"Content-Disposition": f'attachment; filename="checkpoint-{size}.txt"'}
    return HttpResponse(found.note, content_type="text/plain; charset=utf-8", headers=attachment)


@require_safe
def target(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """The history of an object: who saw it, and who gave them access?"""
    form, of = Period(request.GET), name_of(kind, key)
    shown = {"form": form, "of": of, "user_type": get_user_model()._meta.label_lower}
    if form.is_valid():
        events, grants = queries.matching(form.cleaned_data | {"target": of}), queries.grants_on(of)
        page = queries.page_of(form.cleaned_data["before"], events)
        look("audit.timeline.viewed", of=of, filters=form.filled())
        shown |= {"page": page, "people": queries.visitors(events, grants), "grants": grants}
    return render(request, "audit/target.html", shown)


@require_safe
def actor(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """What a person or a command did."""
    form, of = Period(request.GET), name_of(kind, key)
    shown: dict[str, Any] = {"form": form, "of": of}
    if form.is_valid():
        shown["page"] = queries.page_of(
            form.cleaned_data["before"], queries.matching(form.cleaned_data | {"actor": of})
        )
        look("audit.timeline.viewed", of=of, filters=form.filled())
    return render(request, "audit/actor.html", shown)


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """The newest events of the filters as CSV. Each download is an event, whoever had the same before."""
    form = EventFilter(request.GET)
    if not form.is_valid():
        return render(request, "audit/event_list.html", {"form": form})
    record("audit.log.exported", format="csv", filters=form.filled())
    attachment = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
    found = download(queries.matching(form.cleaned_data))
    return StreamingHttpResponse(found, content_type="text/csv; charset=utf-8", headers=attachment)


@require_safe
def my_activity(request: HttpRequest) -> HttpResponse:
    """What the user did, and what others did to the account: who tried to sign in as me?"""
    user, form = request.user, Cursor(request.GET)
    if not user.is_authenticated:
        raise PermissionDenied
    shown: dict[str, Any] = {"form": form, "me": str(user.pk)}
    if form.is_valid():
        shown["page"] = queries.page_of(form.cleaned_data["before"], queries.of_actor(user), queries.of_target(user))
        look("audit.activity.viewed")
    return render(request, "audit/my_activity.html", shown)


def name_of(kind: str, key: str) -> str:
    """What a history is of. Raises Http404 for a name that no event could hold."""
    name = f"{kind}:{key}"
    if harmless(name) != name:
        raise Http404
    return name
