"""Views of every kind, declared and not, right and forgetful."""

from typing import Any, ClassVar

from django.contrib.auth.decorators import login_not_required  # noqa: TID251 - as a third party's view does
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path
from django.views import View
from django.views.decorators.http import require_safe

from apps.rbac.gates import access_or_404
from apps.rbac.policies import PolicyView, any_of, login, perm, policy, policy_include, public
from tests.testapp.models import Document, Folder

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"


def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse("ok")


@require_safe
@policy(public(reason="a page that tells nothing about anybody"))
def open_page(request: HttpRequest) -> HttpResponse:
    return answer(request)


@policy(login())
def mine(request: HttpRequest) -> HttpResponse:
    return answer(request)


@policy(perm(VIEW))
def library(request: HttpRequest) -> HttpResponse:
    return answer(request)


@policy(perm(VIEW, on="pk"))
def document(request: HttpRequest, pk: str) -> HttpResponse:
    return HttpResponse(access_or_404(request, Document, pk, VIEW).title)


@policy(perm(CHANGE, on="pk"))
def rename(request: HttpRequest, pk: str) -> HttpResponse:
    found = access_or_404(request, Document, pk, CHANGE)
    found.title = "renamed"
    found.save()
    return redirect("/mine/")


@policy(perm(CHANGE, on="pk"))
def forgetful(request: HttpRequest, pk: str) -> HttpResponse:
    """Writes without having checked."""
    Document.objects.filter(pk=pk).update(title="stolen")
    return redirect("/mine/")


@policy(perm(CHANGE, on="pk"))
def lenient(request: HttpRequest, pk: str) -> HttpResponse:
    """Checks that it may be viewed, and changes it."""
    access_or_404(request, Document, pk, VIEW)
    Document.objects.filter(pk=pk).update(title="stolen")
    return answer(request)


@policy(perm(VIEW, on="pk"))
def confused(request: HttpRequest, pk: str, other: str) -> HttpResponse:
    """Checks another object than the one that its policy names."""
    access_or_404(request, Document, other, VIEW)
    return HttpResponse(Document.objects.get(pk=pk).title)


@policy(perm(VIEW, on="pk"))
def gone(request: HttpRequest, pk: str) -> HttpResponse:
    """Ends in an error before any check."""
    raise Http404


@policy(any_of(perm("rbac.manage"), perm(VIEW, on="pk")))
def either(request: HttpRequest, pk: str) -> HttpResponse:
    if not request.user.has_perm("rbac.manage"):
        access_or_404(request, Document, pk, VIEW)
    return answer(request)


@policy(perm(CHANGE, on="folder_pk"))
def in_folder(request: HttpRequest, folder_pk: str, pk: str) -> HttpResponse:
    folder = access_or_404(request, Folder, folder_pk, CHANGE)
    return HttpResponse(access_or_404(request, folder.documents.all(), pk, VIEW).title)


class Detail(PolicyView):
    policy = perm(VIEW, on="pk")

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return HttpResponse(access_or_404(request, Document, pk, VIEW).title)


class Forgetful(PolicyView):
    policy = perm(VIEW, on="pk")

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return answer(request)


class Open(PolicyView):
    policy = public(reason="a page that tells nothing about anybody")

    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(request)


class NotPolicyView(View):
    policy: ClassVar = login()

    def get(self, request: HttpRequest) -> HttpResponse:
        return answer(request)


class Foreign:
    """A site whose views are bound methods, as the admin's."""

    @login_not_required
    def door(self, request: HttpRequest) -> HttpResponse:
        return answer(request)

    def desk(self, request: HttpRequest) -> HttpResponse:
        return answer(request)

    @property
    def urls(self) -> Any:
        inner = ([path("desk/", self.desk, name="desk")], "inner")
        return [path("door/", self.door, name="door"), path("inner/", include(inner))]


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Plain, since the site's own error pages link to pages that are not here."""
    return HttpResponse("refused", status=404 if isinstance(exception, Http404) else 403)


handler403 = handler404 = refused


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse("error", status=500)


urlpatterns = [
    path("open/", open_page, name="open"),
    path("mine/", mine, name="mine"),
    path("library/", library, name="library"),
    path("documents/<pk>/", document, name="document"),
    path("documents/<pk>/rename/", rename),
    path("documents/<pk>/forgetful/", forgetful),
    path("documents/<pk>/lenient/", lenient),
    path("documents/<pk>/confused/<other>/", confused),
    path("documents/<pk>/gone/", gone),
    path("documents/<pk>/either/", either),
    path("folders/<folder_pk>/<pk>/", in_folder),
    path("class/open/", Open.as_view(), name="class_open"),
    path("class/<pk>/", Detail.as_view()),
    path("class/<pk>/forgetful/", Forgetful.as_view()),
    path(
        "foreign/", policy_include((Foreign().urls, "foreign"), perm("rbac.manage"), {"door": public(reason="a door")})
    ),
]
