"""The pages of access: who may do what, where and why, the giving and taking of roles, and their activation.

Who may open them is said where they are included. With ?as=csv a list comes as a file, all pages of it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.rbac import activation, grants, protection, review, sessions
from apps.rbac.assignments import assign_role, revoke_role
from apps.rbac.decisions import check, permissions_of
from apps.rbac.downloads import as_csv
from apps.rbac.errors import AccessRefused, GrantRefused
from apps.rbac.explain import Decision, explain, givers
from apps.rbac.forms import ActivateForm, ExplainForm, GiveForm, RevokeForm, SearchForm
from apps.rbac.gates import access_or_404
from apps.rbac.grants import LIVE, Grant, State, of_row
from apps.rbac.models import DeclaredRole, RoleAssignment, held_by
from apps.rbac.roles import registry

LOOK, MANAGE = "rbac.view_roleassignment", "rbac.manage"
PAGE_SIZE = 25
STATES = (State.IN_FORCE, State.NOT_BEGUN, State.EXPIRED)
COLUMNS = ("holder", "what", "permissions", "place", "name", "state", "from", "until", "given by", "given on", "reason")
MOST = 5  # questions that one page answers
show_or_save = require_http_methods(["GET", "HEAD", "POST"])


class Request(HttpRequest):
    user: Any  # somebody: no page here is public


def show(request: Request, template: str, name: str, rows: Any, **context: Any) -> HttpResponse:
    """Grants, or rows of some, as a page or a file; ?state narrows them. Places have names for who may view them."""
    if (state := request.GET.get("state")) in STATES:
        rows = rows.filter(timing=state) if isinstance(rows, QuerySet) else [row for row in rows if row.state == state]
    if "as" in request.GET:
        return as_csv(name, COLUMNS, map(cells, seen_by(request, rows)))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    shown = {"page": page, "grants": seen_by(request, page), "states": STATES, "state": state}
    return render(request, template, {**context, **shown})


def seen_by(request: Request, rows: Iterable[Any]) -> list[Grant]:
    return grants.called([each if isinstance(each, Grant) else of_row(each) for each in rows], request.user)


def cells(each: Grant) -> tuple[Any, ...]:
    what = (each.to, each.what, each.listed, each.place, each.called, each.state)
    return (*what, each.starts_at, each.expires_at, each.granted_by, each.granted_at, each.reason)


@require_safe
def roles(request: Request) -> HttpResponse:
    declared = [role for _, role in sorted(registry.roles.items())]
    names = sorted(frozenset().union(*(registry.permissions(each.slug) for each in declared)))
    matrix = [(name, protection.label(name), [how(each.slug, name) for each in declared]) for name in names]
    if "as" in request.GET:
        header = ["permission", "name", *(each.slug for each in declared)]
        return as_csv("roles", header, ([name, label, *row] for name, label, row in matrix))
    counts = dict(RoleAssignment.objects.in_force().values_list("role").annotate(Count("pk")))
    shown = {"roles": [(each, counts.pop(each.slug, 0)) for each in declared], "retired": counts, "matrix": matrix}
    sets = [*registry.ssd.values(), *registry.dsd.values()]
    return render(request, "rbac/roles.html", {**shown, "sets": sets})


def how(slug: str, permission: str) -> str:
    """By itself, by inheritance, or not at all."""
    return "own" if permission in registry.own(slug) else "inherited" * (permission in registry.permissions(slug))


@require_safe
def role(request: Request, slug: str) -> HttpResponse:
    """What it grants, and who has it: of a role that is gone from the code, too."""
    if slug not in registry.roles and slug not in DeclaredRole.objects.values_list("slug", flat=True):
        raise Http404("There is no such role.")
    granted = [(name, protection.label(name), how(slug, name)) for name in sorted(registry.permissions(slug))]
    shown = {"role": registry.roles.get(slug), "slug": slug, "granted": granted}
    return show(request, "rbac/role.html", f"role {slug}", grants.assignments(LIVE & Q(role=slug)), **shown)


@require_safe
def people(request: Request) -> HttpResponse:
    form, name = SearchForm(request.GET), get_user_model().USERNAME_FIELD
    text = form.cleaned_data["q"] if form.is_valid() else ""
    users = get_user_model()._default_manager.filter(**{f"{name}__icontains": text}).order_by(name)
    if "as" in request.GET:
        slugs = sorted(registry.roles)
        rows = ([user, user.is_active, *map(held.get, slugs)] for user, held in review.roles_of(users))
        return as_csv("people", ["person", "active", *slugs], rows)
    page = Paginator(users, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "rbac/people.html", {"form": form, "page": page, "rows": review.roles_of(list(page))})


@require_safe
def person(request: Request, pk: str) -> HttpResponse:
    someone: Any = access_or_404(request, get_user_model(), pk, LOOK)
    held = [*grants.assigned(held_by(someone) & LIVE), *grants.shared(user=someone)]
    everywhere = ", ".join(sorted(permissions_of(someone)))
    return show(request, "rbac/person.html", f"person {someone}", held, person=someone, everywhere=everywhere)


@require_safe
def place(request: Request, key: str) -> HttpResponse:
    """Who may do what on one object, and why."""
    try:
        obj = grants.at(key)
    except LookupError as error:
        raise Http404(str(error)) from error
    nearby = [each for _, each in protection.places(obj) if each]
    given = [*grants.assigned(LIVE & Q(scope_key__in=nearby)), *grants.shared(obj=obj)]
    theirs = protection.permissions_on(protection.concrete(obj))
    broad = [(each, registry.permissions(each.slug) & theirs) for each in registry.roles.values() if not each.scope]
    name = str(obj) if check(request.user, protection.permission_of(obj, "view"), obj) else ""
    shown = {"key": key, "called": name, "broad": [each for each in broad if each[1]]}
    return show(request, "rbac/place.html", f"access to {key}", given, **shown)


@require_safe
def explanation(request: Request) -> HttpResponse:
    """A policy may ask for one of several permissions: "a or b"."""
    form = ExplainForm(request.GET if "permission" in request.GET else None, initial=request.GET.dict())
    answers = []
    if form.is_valid():
        someone, names, obj = (form.cleaned_data[each] for each in ("person", "permission", "object"))
        answers = explained(request, someone, names.split(" or "), obj)
    return render(request, "rbac/explain.html", {"form": form, "answers": answers, "labels": protection.labels()})


def explained(request: HttpRequest, somebody: Any, permissions: Sequence[str], obj: Any) -> list[tuple[Decision, Any]]:
    """Each decision with its reasons, where places have names for whoever may view them."""
    names = grants.names_of((key for _, key in protection.places(obj)), request.user)
    decisions = [explain(somebody, name.strip(), obj) for name in permissions[:MOST]]
    return [(each, each.reasons(names)) for each in decisions]


@show_or_save
def give(request: Request) -> HttpResponse:
    form = GiveForm(request.POST or None, initial=request.GET.dict())
    if form.is_valid() and allowed(form, lambda: assign_role(request.user, **form.cleaned_data)):
        to, slug = form.cleaned_data["to"], form.cleaned_data["role"]
        messages.success(request, f"{to} has the role {registry.label(slug)}.")
        return redirect("rbac:role", slug)
    return render(request, "rbac/give.html", {"form": form})


@show_or_save
def revoke(request: Request, pk: UUID) -> HttpResponse:
    grant = of_row(access_or_404(request, grants.assignments(LIVE), pk, MANAGE))
    form = RevokeForm(request.POST or None)

    def take() -> object:
        scope = grants.at(grant.place) if grant.place else None
        return revoke_role(request.user, grant.role, grant.to, scope, **form.cleaned_data)

    if form.is_valid() and allowed(form, take):
        messages.success(request, f"{grant.to} no longer has the role {grant.what}.")
        return redirect("rbac:role", grant.role)
    [seen] = seen_by(request, [grant])
    return render(request, "rbac/revoke.html", {"form": form, "grant": seen})


@show_or_save
def mine(request: Request) -> HttpResponse:
    """Roles that are held and not in use: whoever has some puts them to use for his session, and down again."""
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


def allowed(form: forms.Form, change: Callable[[], object]) -> bool:
    """Whether the guard let it be done. What it says otherwise stands in the form, with all that was typed."""
    try:
        change()
    except (GrantRefused, LookupError) as refusal:
        form.add_error(None, str(refusal))
    return form.is_valid()


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Error 403: what is missing, in plain words, and whom to ask. Also for refusals from before authentication.

    Names are told only of people who may share an object that the reader may view. What he may not view is a 404.
    """
    shown: dict[str, Any] = {"told": str(exception)} if isinstance(exception, GrantRefused) else {}
    if isinstance(exception, AccessRefused) and hasattr(request, "user"):
        user, obj, wanted = request.user, exception.obj, exception.permissions
        idle = activation.eligible_roles(user) - sessions.of_request(request).active_roles()
        enough = [registry.label(slug) for slug in sorted(idle) if registry.permissions(slug).intersection(wanted)]
        shown = {"missing": list(map(protection.label, wanted)), "object": obj, "idle": enough}
        if obj is not None and check(user, protection.permission_of(obj, "view"), obj):
            shown["ask"] = list(givers(user, "", wanted[0], obj))
        if check(user, LOOK):
            shown["answers"] = explained(request, user, wanted, obj)
    return render(request, "403.html", shown, status=403)
