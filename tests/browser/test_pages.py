"""The kit's own pages in a real browser: nothing that the policy blocks, and usable by all."""

import os

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.browser.accessibility import findings
from tests.browser.conftest import Drive, MakeMember, NewVisitor

pytestmark = pytest.mark.slow

FOR_VISITORS = {
    "sign-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
}
FOR_USERS = {
    "profile": "/account/",
    "my-activity": "/audit/mine/",
    "password-change": "/accounts/password/change/",
    "email": "/accounts/email/",
}


@pytest.fixture
def ana(make_member: MakeMember) -> User:
    return make_member("ana", None)


def test_a_visitors_pages(drive: Drive, transactional_db: None) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        for name, path in FOR_VISITORS.items():
            assert visitor.open(path) == 200, path
            visitor.picture(name)
            assert findings(visitor.page) == [], path
        assert visitor.complaints == []

    drive(walk)


def test_a_users_pages(drive: Drive, ana: User) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        for name, path in FOR_USERS.items():
            assert visitor.open(path) == 200, path
            visitor.picture(name)
            assert findings(visitor.page) == [], path
        assert visitor.complaints == []

    drive(walk)


@pytest.mark.asvs("3.4.3")
@pytest.mark.skipif("AXE_CORE" in os.environ, reason="axe-core can run only where the policy is off")
def test_what_the_policy_forbids_is_blocked_and_noticed(drive: Drive, transactional_db: None) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.open("/accounts/login/")
        assert visitor.complaints == []
        visitor.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'data:image/png;base64,AAAA'}))")
        visitor.page.wait_for_timeout(200)
        assert "Content Security Policy" in "".join(visitor.complaints)

    drive(walk)


def test_a_wrong_password_is_told_where_a_screen_reader_hears_it(drive: Drive, ana: User) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.open("/accounts/login/")
        visitor.page.get_by_label("Email").fill("ana@example.org")
        visitor.page.get_by_label("Password").fill("not the password at all")
        visitor.page.get_by_role("button", name="Sign in").click()
        expect(visitor.page.get_by_role("alert")).to_be_focused()
        visitor.picture("sign-in-wrong")
        assert findings(visitor.page) == []
        assert visitor.complaints == []

    drive(walk)


def test_the_first_key_press_leads_past_the_navigation(drive: Drive, ana: User) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        visitor.open("/account/")
        visitor.page.keyboard.press("Tab")
        expect(visitor.page.get_by_role("link", name="Skip to content")).to_be_focused()
        visitor.page.keyboard.press("Enter")
        expect(visitor.page.get_by_role("main")).to_be_focused()

    drive(walk)
