import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from apps.accounts.models import User
from config.context_processors import navigation, site
from config.navigation import Link, links_for

FOR_ALL = ("Start", "home", None)
FOR_AUDITORS = ("Audit", "audit:event_list", "audit.view_event")


@pytest.fixture
def only_two_links(monkeypatch: pytest.MonkeyPatch) -> None:
    for config in apps.get_app_configs():
        monkeypatch.setattr(config, "navigation", (), raising=False)
    monkeypatch.setattr(apps.get_app_config("testapp"), "navigation", (FOR_ALL, FOR_AUDITORS))


@pytest.mark.usefixtures("only_two_links")
def test_a_link_that_needs_a_permission_is_shown_to_who_has_it(administrator: User) -> None:
    assert links_for(administrator) == [Link(*FOR_ALL), Link(*FOR_AUDITORS)]


@pytest.mark.usefixtures("only_two_links")
def test_a_link_that_needs_a_permission_is_not_shown_to_others(stranger: User) -> None:
    assert links_for(stranger) == [Link(*FOR_ALL)]


@pytest.mark.usefixtures("only_two_links")
def test_a_visitor_sees_no_links() -> None:
    assert links_for(AnonymousUser()) == []


@pytest.mark.usefixtures("only_two_links")
def test_the_section_of_the_page_is_marked(administrator: User) -> None:
    request = RequestFactory().get("/audit/mine/")
    request.user = administrator

    # "/" is above every page; the nearest section is the one.
    assert [current for _, current in navigation(request)] == [False, True]


def test_a_request_refused_before_authentication_has_no_links() -> None:
    assert navigation(RequestFactory().get("/")) == []


def test_pages_know_their_requests_id() -> None:
    request = RequestFactory().get("/")
    request.request_id = "0af7651916cd43dd8448eb211c80319c"  # type: ignore[attr-defined] # the middleware's

    assert site(request)["request_id"] == "0af7651916cd43dd8448eb211c80319c"
