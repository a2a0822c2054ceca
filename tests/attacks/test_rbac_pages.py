"""Attacks on pages: forged ids, views that nobody has declared, and views that forget to check."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.sharing import share
from tests.conftest import ClientFor, MakeUser
from tests.rbac.conftest import Told
from tests.testapp.models import Document

pytestmark = pytest.mark.django_db
SIGN_IN = "/sign-in/"


@pytest.fixture(autouse=True)
def _sign_in_page(settings: Any) -> None:
    settings.LOGIN_URL = SIGN_IN


@pytest.mark.asvs("8.2.2")
@pytest.mark.urls("tests.rbac.pages")
def test_an_id_of_somebody_elses_object_is_as_good_as_none(
    stranger: User, document: Document, client_for: ClientFor, told: list[Told]
) -> None:
    browser = client_for(stranger)
    for method in ("get", "post", "put", "delete", "head"):
        for page in ("", "rename/"):
            assert getattr(browser, method)(f"/documents/{document.pk}/{page}").status_code == 404
    assert {(each.name, each.target, each.outcome) for each in told} == {("access_refused", document, "denied")}
    document.refresh_from_db()
    assert document.title == "Plan A"


@pytest.mark.urls("tests.rbac.pages")
@pytest.mark.parametrize(
    "pk", ["0", "-1", "%00", "%27%20OR%201=1--", "0198c0de-0000-7000-8000-000000000000", "9" * 300]
)
def test_a_forged_id_is_not_found_and_breaks_nothing(pk: str, owner: User, client_for: ClientFor) -> None:
    assert client_for(owner).get(f"/documents/{pk}/").status_code == 404


@pytest.mark.urls("tests.rbac.pages")
def test_who_may_view_can_not_change(
    owner: User, colleague: User, document: Document, client_for: ClientFor, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    told.clear()
    assert client_for(colleague).post(f"/documents/{document.pk}/rename/").status_code == 403
    assert [(each.name, each.target, each.details) for each in told] == [
        ("access_refused", document, {"permission": "testapp.change_document"})
    ]


@pytest.mark.asvs("8.2.1")
@pytest.mark.urls("tests.rbac.undeclared_pages")
@pytest.mark.parametrize("url", ["/nested/deep/undeclared/", "/class/"])
def test_a_page_that_nobody_has_declared_is_refused_to_everybody_superusers_included(
    url: str, stranger: User, make_user: MakeUser, client_for: ClientFor, told: list[Told]
) -> None:
    browsers = [client_for(stranger), client_for(make_user(is_superuser=True))]
    told.clear()
    for browser in browsers:
        assert browser.get(url).status_code == 403
    assert [(each.name, each.outcome) for each in told] == 2 * [("policy_missing", "denied")]
    assert "declares no policy" in told[0].reason
    assert Client().get(url).status_code == 302


@pytest.mark.urls("tests.rbac.undeclared_pages")
def test_a_page_that_nobody_has_declared_is_refused_also_without_djangos_login_middleware(
    stranger: User, settings: Any
) -> None:
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not each.endswith("LoginRequiredMiddleware")]
    assert Client().get("/nested/deep/undeclared/").status_code == 403


@pytest.mark.urls("tests.rbac.pages")
@pytest.mark.django_db(transaction=True)
def test_what_a_forgetful_view_wrote_is_taken_back_and_the_audit_log_still_knows(
    make_user: MakeUser, client_for: ClientFor
) -> None:
    document = Document.objects.create(title="Plan A")
    browser = client_for(make_user())
    browser.raise_request_exception = False
    assert browser.post(f"/documents/{document.pk}/forgetful/").status_code == 500
    document.refresh_from_db()
    assert document.title == "Plan A"
    assert Event.objects.filter(action="rbac.policy.missing", outcome="error").count() == 1
