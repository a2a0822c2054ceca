"""The site with its own error pages, and a few pages of documents besides."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.accounts.models import User
from apps.rbac.gates import access_or_404
from apps.rbac.policies import login, perm, policy
from apps.rbac.sharing import share
from config.urls import *  # noqa: F403 - its pages and its error handlers
from config.urls import urlpatterns as pages_of_the_site
from tests.rbac.pages import in_folder, rename
from tests.testapp.models import Document

VIEW = "testapp.view_document"


@policy(perm(VIEW, on="pk"))
def pass_on(request: HttpRequest, pk: str) -> HttpResponse:
    """Catches no refusal."""
    document = access_or_404(request, Document, pk, VIEW)
    share(request.user, document, User.objects.get(pk=request.POST["to"]), "view")
    return HttpResponse("shared")


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("never")


@policy(login())
def mine(request: HttpRequest) -> HttpResponse:
    return HttpResponse("mine")


urlpatterns = [
    *pages_of_the_site,
    path("mine/", mine),
    path("undeclared/", undeclared),
    path("documents/<pk>/rename/", rename),
    path("documents/<pk>/pass-on/", pass_on),
    path("folders/<folder_pk>/<pk>/", in_folder),
]
