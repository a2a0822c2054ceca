"""Every view is refused but for those whom its policy admits, in three layers: check, middleware, transaction."""

import types
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path, reverse

from apps.accounts.models import User
from apps.rbac import policies
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import acheck, check
from apps.rbac.errors import GateMissing
from apps.rbac.gates import access_or_404
from apps.rbac.middleware import PolicyMiddleware
from apps.rbac.policies import any_of, login, perm, policy, policy_include, policy_of, public, public_views
from apps.rbac.sharing import share
from tests.conftest import ClientFor
from tests.rbac.conftest import Told, queries
from tests.rbac.pages import VIEW, Foreign, answer
from tests.testapp.models import Document, Folder

SIGN_IN = "/sign-in/"
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rbac.pages")]


@pytest.fixture(autouse=True)
def _sign_in_page(settings: Any) -> None:
    settings.LOGIN_URL = SIGN_IN


def test_a_public_page_is_open_to_everybody_also_past_djangos_own_login_middleware(
    owner: User, client_for: ClientFor
) -> None:
    for url in ("/open/", "/class/open/", "/foreign/door/"):
        assert Client().get(url).status_code == 200
        assert client_for(owner).get(url).status_code == 200


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("url", ["/mine/", "/library/", "/documents/x/", "/class/x/", "/foreign/inner/desk/"])
def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(url: str, told: list[Told]) -> None:
    response = Client().get(url)
    assert response.status_code == 302
    assert response["Location"] == f"{SIGN_IN}?next={url}"
    assert told == []


@pytest.mark.parametrize("middleware", ["PolicyMiddleware", "LoginRequiredMiddleware"])
def test_either_middleware_alone_sends_a_stranger_to_sign_in(middleware: str, settings: Any) -> None:
    settings.MIDDLEWARE = [
        each
        for each in settings.MIDDLEWARE
        if each.endswith(middleware) or not each.endswith(("PolicyMiddleware", "LoginRequiredMiddleware"))
    ]
    assert Client().get("/mine/")["Location"].startswith(SIGN_IN)
    assert Client().get("/documents/x/")["Location"].startswith(SIGN_IN)
    assert Client().get("/open/").status_code == 200


def test_a_page_for_everybody_with_an_account_admits_them(stranger: User, client_for: ClientFor) -> None:
    assert client_for(stranger).get("/mine/").status_code == 200


@pytest.mark.asvs("8.2.1")
def test_a_page_by_permission_admits_who_holds_it_and_tells_of_the_others(
    owner: User, stranger: User, client_for: ClientFor, told: list[Told]
) -> None:
    assign_role_as_system("testapp.librarian", owner, reason="test")
    told.clear()
    assert client_for(owner).get("/library/").status_code == 200
    assert told == []
    assert client_for(stranger).get("/library/").status_code == 403
    assert [(each.name, each.outcome, each.details) for each in told] == [
        ("access_refused", "denied", {"permission": VIEW})
    ]


@pytest.mark.asvs("8.3.2")
def test_a_revocation_holds_on_the_next_request_of_a_session(
    administrator: User, stranger: User, client_for: ClientFor
) -> None:
    from apps.rbac.assignments import revoke_role

    assign_role_as_system("testapp.librarian", stranger, reason="test")
    browser = client_for(stranger)
    assert browser.get("/library/").status_code == 200
    revoke_role(administrator, "testapp.librarian", stranger)
    assert browser.get("/library/").status_code == 403


def test_an_object_page_shows_it_to_its_owner_and_hides_it_from_a_stranger(
    owner: User, stranger: User, document: Document, client_for: ClientFor
) -> None:
    for url in (f"/documents/{document.pk}/", f"/class/{document.pk}/"):
        assert client_for(owner).get(url).content == b"Plan A"
        assert client_for(stranger).get(url).status_code == 404


@pytest.mark.parametrize("page", ["forgetful", "lenient"])
@pytest.mark.parametrize("who", ["owner", "colleague"])
def test_a_view_that_forgets_its_check_is_an_error_and_its_writes_are_taken_back(
    page: str, who: str, owner: User, colleague: User, document: Document, client_for: ClientFor, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    told.clear()
    browser = client_for({"owner": owner, "colleague": colleague}[who])
    browser.raise_request_exception = False
    assert browser.post(f"/documents/{document.pk}/{page}/").status_code == 500
    document.refresh_from_db()
    assert document.title == "Plan A"
    assert [(each.name, each.outcome) for each in told] == [("policy_missing", "error")]


def test_a_view_that_checks_another_object_is_an_error(
    owner: User, stranger: User, document: Document, client_for: ClientFor
) -> None:
    own = Document.objects.create(title="own", folder=None)
    assign_role_as_system("testapp.document_owner", stranger, own, reason="test")
    with pytest.raises(GateMissing, match="access_or_404"):
        client_for(stranger).get(f"/documents/{document.pk}/confused/{own.pk}/")


def test_a_class_based_view_that_forgets_its_check_is_an_error(
    owner: User, document: Document, client_for: ClientFor
) -> None:
    with pytest.raises(GateMissing):
        client_for(owner).get(f"/class/{document.pk}/forgetful/")


def test_a_class_based_view_answers_no_method_that_it_does_not_have(
    owner: User, document: Document, client_for: ClientFor
) -> None:
    for method in ("options", "post", "trace"):
        assert getattr(client_for(owner), method)(f"/class/{document.pk}/").status_code == 405


def test_an_error_page_needs_no_check(owner: User, document: Document, client_for: ClientFor) -> None:
    assert client_for(owner).get(f"/documents/{document.pk}/gone/").status_code == 404


def test_a_checked_write_is_kept(owner: User, document: Document, client_for: ClientFor) -> None:
    assert client_for(owner).post(f"/documents/{document.pk}/rename/").status_code == 302
    document.refresh_from_db()
    assert document.title == "renamed"


def test_the_check_is_found_however_the_key_is_spelled(owner: User, document: Document, client_for: ClientFor) -> None:
    assert client_for(owner).get(f"/documents/{str(document.pk).upper()}/").status_code == 200


def test_an_async_view_is_held_to_its_check_too(owner: User, document: Document) -> None:
    from asgiref.sync import sync_to_async

    async def right(request: HttpRequest, pk: str) -> HttpResponse:
        await sync_to_async(access_or_404)(request, Document, pk, VIEW)
        return HttpResponse("ok")

    async def wrong(request: HttpRequest, pk: str) -> HttpResponse:
        return HttpResponse("ok")

    request = RequestFactory().get("/")
    request.user = owner
    declare = policy(perm(VIEW, on="pk"))
    assert async_to_sync(declare(right))(request, pk=str(document.pk)).status_code == 200
    request = RequestFactory().get("/")
    request.user = owner
    with pytest.raises(GateMissing):
        async_to_sync(declare(wrong))(request, pk=str(document.pk))


def test_under_asgi_pages_are_refused_alike(owner: User) -> None:
    assert async_to_sync(AsyncClient().get)("/mine/").status_code == 302
    assert async_to_sync(AsyncClient().get)("/open/").status_code == 200


def test_either_of_two_policies_is_enough(
    owner: User, stranger: User, administrator: User, document: Document, client_for: ClientFor
) -> None:
    url = f"/documents/{document.pk}/either/"
    assert client_for(owner).get(url).status_code == 200
    assert client_for(administrator).get(url).status_code == 200
    assert client_for(stranger).get(url).status_code == 404


def test_where_signing_in_is_enough_no_object_need_be_checked(owner: User) -> None:
    request = RequestFactory().get("/")
    request.user = owner
    view = policy(any_of(login(), perm(VIEW, on="pk")))(lambda request, pk: answer(request))
    assert view(request, pk="1").status_code == 200


def test_the_middleware_remembers_answers_for_one_request_only(owner: User, document: Document) -> None:
    def asks_twice(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str([check(owner, VIEW, document), check(owner, VIEW, document)]))

    ask = PolicyMiddleware(asks_twice)
    for _ in range(2):
        with queries() as asked:
            assert ask(RequestFactory().get("/")).content == b"[True, True]"
        assert len(asked) == 1


def test_the_middleware_remembers_answers_in_async_servers_too(owner: User, document: Document) -> None:
    async def asks_twice(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str([await acheck(owner, VIEW, document), await acheck(owner, VIEW, document)]))

    with queries() as asked:
        response = async_to_sync(PolicyMiddleware(asks_twice))(RequestFactory().get("/"))
    assert response.content == b"[True, True]"
    assert len(asked) == 1


def test_a_permission_can_be_asked_on_the_container(
    owner: User, stranger: User, document: Document, folder: Folder, client_for: ClientFor
) -> None:
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    url = f"/folders/{folder.pk}/{document.pk}/"
    assert client_for(stranger).get(url).status_code == 200
    assert client_for(owner).get(url).status_code == 404


def test_an_included_site_is_admitted_by_its_policy_and_keeps_its_names(
    administrator: User, stranger: User, client_for: ClientFor
) -> None:
    assert reverse("foreign:inner:desk") == "/foreign/inner/desk/"
    assert client_for(administrator).get("/foreign/inner/desk/").status_code == 200
    assert client_for(stranger).get("/foreign/inner/desk/").status_code == 403


def urlconf(**views: Any) -> types.ModuleType:
    module = types.ModuleType("included_for_a_test")
    module.urlpatterns = [path(f"{name}/", view, name=name) for name, view in views.items()]  # type: ignore[attr-defined] # a urlconf
    return module


def test_an_include_refuses_what_it_can_not_keep() -> None:
    with pytest.raises(ImproperlyConfigured, match="named mistake"):
        policy_include(urlconf(page=Foreign().desk), login(), {"mistake": login()})
    with pytest.raises(ImproperlyConfigured, match="declared at its view"):
        policy_include(urlconf(page=Foreign().desk), perm(VIEW, on="pk"))
    with pytest.raises(ImproperlyConfigured, match="another policy already"):
        policy_include(urlconf(page=policy(login())(lambda request: answer(request))), perm(VIEW))


def test_a_view_included_twice_by_the_same_policy_is_fine() -> None:
    view = Foreign().desk
    policy_include(urlconf(page=view), perm(VIEW))
    policy_include(urlconf(page=view), perm(VIEW))
    assert policy_of(view) == perm(VIEW)


def test_a_public_page_needs_a_reason_and_no_alternative() -> None:
    with pytest.raises(ImproperlyConfigured, match="why it is public"):
        public(reason=" ")
    with pytest.raises(ImproperlyConfigured, match="public or it is not"):
        any_of(login(), public(reason="a page"))


def test_something_else_called_policy_is_no_policy() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return answer(request)

    view.policy = "allow"  # type: ignore[attr-defined] # as a careless hand would
    assert policy_of(view) is None


def test_the_public_pages_are_listed_with_their_reasons() -> None:
    assert [tuple(each) for each in public_views()] == [
        ("open", "open/", "a page that tells nothing about anybody"),
        ("class_open", "class/open/", "a page that tells nothing about anybody"),
        ("foreign:door", "foreign/door/", "a door"),
    ]


def test_a_policy_without_an_answer_is_no_policy() -> None:
    with pytest.raises(NotImplementedError):
        policies.Policy().admits(AnonymousUser())
