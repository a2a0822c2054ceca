"""Pages of accounts beside allauth's. Who may call them is declared where they are included, in config/urls.py."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import signals
from apps.accounts.forms import ProfileForm
from apps.accounts.models import User


class Request(HttpRequest):
    """A policy other than public lets only signed-in users pass."""

    user: User


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: Request) -> HttpResponse:
    before = request.user.name
    form = ProfileForm(request.POST or None, instance=request.user)
    if form.is_valid():
        user = form.save()
        if user.name != before:
            signals.tell(signals.profile_changed, target=user, changes={"name": [before, user.name]})
        messages.success(request, _("Your profile is saved."))
        return redirect("accounts:profile")
    return render(request, "account/profile.html", {"form": form})
