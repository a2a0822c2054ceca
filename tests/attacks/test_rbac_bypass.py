"""Going round the gate: by an answer that is not the view's, by a looser policy, by a right that is gone already."""

from contextvars import Context

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.http import condition

from apps.accounts.models import User
from apps.rbac.assignments import revoke_role
from apps.rbac.decisions import check
from apps.rbac.errors import MayNotGrant
from apps.rbac.gates import access_or_404
from apps.rbac.memo import remembering
from apps.rbac.policies import PolicyView, login, perm, policy
from apps.rbac.sharing import share, shares_of
from tests.conftest import ClientFor, MakeUser
from tests.rbac.conftest import Told
from tests.rbac.pages import handler403, handler404, handler500
from tests.testapp.models import Document
from tests.testapp.roles import DocumentOwner

__all__ = ["handler403", "handler404", "handler500"]
VIEW, SHARE = "testapp.view_document", "testapp.share_document"


def answer(request: HttpRequest, pk: str) -> HttpResponse:
    return HttpResponse(access_or_404(request, Document, pk, VIEW).title)


def write_and_fail(request: HttpRequest, pk: str) -> HttpResponse:
    Document.objects.filter(pk=pk).update(title="Plan X")
    return HttpResponse("no", status=400)


class Desk(PolicyView):
    policy = login()

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("come in")


urlpatterns = [
    path("cached/<pk>/", cache_page(60)(policy(perm(VIEW, on="pk"))(answer))),
    path("tagged/<pk>/", condition(etag_func=lambda request, pk: '"tag"')(policy(perm(VIEW, on="pk"))(answer))),
    path("failing/<pk>/", policy(perm(VIEW, on="pk"))(write_and_fail)),
    path("desk/", Desk.as_view(policy=perm("rbac.manage"))),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.attacks.test_rbac_bypass")]


def test_what_a_view_wrote_before_it_failed_without_its_check_is_rolled_back(
    stranger: User, document: Document, client_for: ClientFor
) -> None:
    assert client_for(stranger).post(f"/failing/{document.pk}/").status_code == 400
    document.refresh_from_db()
    assert document.title == "Plan A"


@pytest.mark.asvs("8.2.2")
def test_what_a_decorator_kept_of_somebody_elses_answer_is_not_told(
    owner: User, stranger: User, document: Document, client_for: ClientFor, told: list[Told]
) -> None:
    cache.clear()
    assert client_for(owner).get(f"/cached/{document.pk}/").content == b"Plan A"
    browser = client_for(stranger)
    browser.raise_request_exception = False
    answered = browser.get(f"/cached/{document.pk}/")
    assert (answered.status_code, answered.content) == (500, b"error")
    assert [(each.name, each.outcome) for each in told] == [("policy_missing", "error")]


def test_not_even_that_it_has_not_changed(stranger: User, document: Document, client_for: ClientFor) -> None:
    browser = client_for(stranger)
    browser.raise_request_exception = False
    assert browser.get(f"/tagged/{document.pk}/", HTTP_IF_NONE_MATCH='"tag"').status_code == 500


def test_a_policy_given_to_as_view_holds(stranger: User, administrator: User, client_for: ClientFor) -> None:
    assert client_for(stranger).get("/desk/").status_code == 403
    assert client_for(administrator).get("/desk/").status_code == 200


@pytest.mark.asvs("8.3.2")
def test_a_right_revoked_while_the_request_waited_for_its_turn_gives_nothing_away(
    owner: User, document: Document, make_user: MakeUser
) -> None:
    """The gate was passed; before it had the lock, another one took the role. What is left is not shared on."""
    administrator, friend = make_user(is_superuser=True), make_user()
    with remembering():
        assert check(owner, SHARE, document)
        Context().run(revoke_role, administrator, DocumentOwner, owner, document)
        Context().run(share, administrator, document, owner, "view")
        with pytest.raises(MayNotGrant):
            share(owner, document, friend, "view")
    assert [each.to for each in shares_of(document)] == [owner]
