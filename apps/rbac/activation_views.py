"""Roles that are held and not in use: whoever has some puts them to use for his session here, and down again."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.rbac import activation, sessions
from apps.rbac.forms import ActivateForm
from apps.rbac.roles import registry
from apps.rbac.views import Request, allowed, show_or_save


@show_or_save
def mine(request: Request) -> HttpResponse:
    session = sessions.of_request(request)
    theirs, active = activation.eligible_roles(request.user), session.active_roles()
    form = ActivateForm(request.POST or None, roles=theirs - active)
    if form.is_valid() and allowed(form, lambda: activation.add_active_role(session, **form.cleaned_data)):
        messages.success(request, f"You use the role {registry.label(form.cleaned_data['role'])} now.")
        return redirect("rbac:mine")
    ends, idle = session.backed(), sorted(theirs - active)
    unproved = any(map(registry.is_privileged, idle)) and not session.proved()
    shown = {
        "active": [(registry.get(slug), ends[slug]) for slug in sorted(active)],
        "idle": list(map(registry.get, idle)),
        "prove_at": settings.RBAC_STEP_UP_URL if unproved else "",
    }
    return render(request, "rbac/mine.html", {**shown, "form": form})


@require_POST
def drop(request: Request, slug: str) -> HttpResponse:
    """One that has ended meanwhile is dropped already."""
    session = sessions.of_request(request)
    if slug in session.active_roles():
        activation.drop_active_role(session, slug)
    messages.success(request, f"You no longer use the role {registry.label(slug)}.")
    return redirect("rbac:mine")
