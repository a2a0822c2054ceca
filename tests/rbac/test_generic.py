"""Django's generic views and policies by method: the right ones answer, and each forgetful one is an error."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import DeleteView, ListView, UpdateView

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.errors import GateMissing
from apps.rbac.gates import access_or_404
from apps.rbac.generic import ObjectView, ScopedListView
from apps.rbac.policies import any_of, login, method_map, perm, policy, public
from apps.rbac.sharing import share
from tests.conftest import ClientFor
from tests.rbac.conftest import Told
from tests.rbac.pages import handler403, handler404, handler500  # noqa: F401 - of this urlconf
from tests.testapp.models import Document, Folder

VIEW, CHANGE, DELETE = (f"testapp.{action}_document" for action in ("view", "change", "delete"))
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Edit(ObjectView, UpdateView):  # type: ignore[type-arg] # not at run time
    model, fields, success_url = Document, ("title",), "/"
    policy = method_map(GET=perm(VIEW, on="pk"), POST=perm(CHANGE, on="pk"))

    def render_to_response(self, context: object, **kwargs: object) -> HttpResponse:  # type: ignore[override] # no template
        return HttpResponse(str(self.object))


class Delete(ObjectView, DeleteView):  # type: ignore[misc,type-arg] # not at run time
    model, success_url = Document, "/"
    policy = perm(DELETE, on="key")
    pk_url_kwarg = "key"


class Nameless(ObjectView, UpdateView):  # type: ignore[type-arg] # not at run time
    model, fields = Document, ("title",)
    policy = login()


class Documents(ScopedListView, ListView):  # type: ignore[type-arg] # not at run time
    model, policy = Document, login()

    def render_to_response(self, context: object, **kwargs: object) -> HttpResponse:  # type: ignore[override] # no template
        return HttpResponse(" ".join(map(str, self.get_queryset())))


class FoldersToEdit(Documents):
    model = Folder  # type: ignore[assignment] # another
    permission = CHANGE


@policy(method_map(GET=login(), POST=perm(CHANGE, on="pk")))
def by_method(request: HttpRequest, pk: str) -> HttpResponse:
    if request.GET.get("gate"):
        access_or_404(request, Document, pk, CHANGE)
    return HttpResponse("ok")


urlpatterns = [
    path("<uuid:pk>/edit/", Edit.as_view()),
    path("<key>/delete/", Delete.as_view()),
    path("<uuid:pk>/nameless/", Nameless.as_view()),
    path("documents/", Documents.as_view()),
    path("folders/", FoldersToEdit.as_view()),
    path("<uuid:pk>/by-method/", by_method),
]


def test_each_method_of_a_generic_view_asks_for_its_own_permission(
    owner: User, colleague: User, stranger: User, document: Document, client_for: ClientFor
) -> None:
    share(owner, document, colleague, "view")
    url = f"/{document.pk}/edit/"
    assert client_for(colleague).get(url).content == b"Plan A"
    assert client_for(colleague).head(url).status_code == 200
    assert client_for(colleague).post(url, {"title": "Stolen"}).status_code == 403
    assert client_for(stranger).post(url, {"title": "Stolen"}).status_code == 404
    assert Document.objects.get().title == "Plan A"
    assert client_for(owner).post(url, {"title": "Plan B"}).status_code == 302
    assert Document.objects.get().title == "Plan B"


def test_a_generic_view_deletes_what_may_be_deleted(
    owner: User, colleague: User, document: Document, client_for: ClientFor
) -> None:
    share(owner, document, colleague, "view")
    url = f"/{document.pk}/delete/"
    assert client_for(colleague).post(url).status_code == 403
    assert client_for(owner).post("/nonsense/delete/").status_code == 404
    assert client_for(owner).post(url).status_code == 302
    assert not Document.objects.exists()


def test_a_generic_view_whose_policy_names_no_object_is_an_error(
    owner: User, document: Document, client_for: ClientFor
) -> None:
    with pytest.raises(ImproperlyConfigured, match="on='pk'"):
        client_for(owner).get(f"/{document.pk}/nameless/")


def test_a_generic_list_holds_what_one_may_see(
    owner: User, stranger: User, document: Document, folder: Folder, client_for: ClientFor
) -> None:
    assert client_for(owner).get("/documents/").content == b"Plan A"
    assert client_for(stranger).get("/documents/").content == b""
    assert client_for(stranger).get("/folders/").content == b""
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    assert client_for(stranger).get("/folders/").content == b"Plans"


def test_a_method_that_the_policy_does_not_name_is_refused(
    owner: User, document: Document, client_for: ClientFor, told: list[Told]
) -> None:
    for method in ("put", "delete", "options", "trace"):
        assert getattr(client_for(owner), method)(f"/{document.pk}/by-method/").status_code == 403
    assert [each.name for each in told] == 4 * ["access_refused"]


def test_a_view_is_held_to_the_policy_of_the_method(owner: User, document: Document, client_for: ClientFor) -> None:
    browser, url = client_for(owner), f"/{document.pk}/by-method/"
    assert browser.get(url).status_code == 200
    assert browser.post(url + "?gate=1").status_code == 200
    with pytest.raises(GateMissing):
        browser.post(url)


def test_a_policy_by_method_is_the_outermost_and_has_no_public_part() -> None:
    with pytest.raises(ImproperlyConfigured, match="outermost"):
        any_of(login(), method_map(GET=login()))
    with pytest.raises(ImproperlyConfigured, match="public"):
        method_map(GET=public(reason="a page"), POST=login())
    assert not method_map(GET=login()).admits(User(is_active=True))
