"""The whole path through the sample, as people walk it."""

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.records.models import Record
from tests.browser.accessibility import findings
from tests.browser.conftest import Drive, MakeMember, NewVisitor, Visitor

pytestmark = pytest.mark.slow


@pytest.fixture
def people(make_member: MakeMember) -> dict[str, User]:
    roles = {"owner": None, "colleague": None, "stranger": None, "administrator": "admin"}
    return {name: make_member(name, role) for name, role in roles.items()}


def look(visitor: Visitor, name: str) -> None:
    visitor.picture(name)
    assert findings(visitor.page) == [], name


def sign_in(new_visitor: NewVisitor, name: str) -> Visitor:
    visitor = new_visitor()
    visitor.sign_in(name)
    return visitor


def create(visitor: Visitor) -> str:
    """Make a record, a mistake first, and return its path."""
    page = visitor.page
    page.get_by_role("link", name="Records", exact=True).first.click()
    look(visitor, "list-empty")
    page.get_by_role("link", name="New record").click()
    page.get_by_label("Title").fill("Case " + "4711" * 40)
    page.get_by_label("Name of the person").fill("Amara Okafor")
    page.get_by_label("National ID").fill("850 324-4821")
    page.get_by_label("Notes").fill("Allergic to penicillin.\nNext visit in May.")
    page.get_by_role("button", name="Create record").click()
    expect(page.get_by_role("alert")).to_contain_text("at most 120 characters")
    expect(page.get_by_label("Notes")).to_have_value("Allergic to penicillin.\nNext visit in May.")
    look(visitor, "form-with-error")
    page.get_by_label("Title").fill("Case 4711")
    page.get_by_role("button", name="Create record").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Case 4711")
    expect(page.get_by_text("Amara Okafor")).to_be_visible()
    return page.url.removeprefix(visitor.site)


def search(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("/records/")
    look(visitor, "list")
    page.get_by_label("Find by national ID").fill("8503244821")
    page.get_by_role("button", name="Find").click()


def share(visitor: Visitor, path: str, email: str, access: str) -> None:
    page = visitor.page
    visitor.open(path)
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Email of your colleague").fill(email)
    page.get_by_label("What they may do").select_option(access)
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(email)
    look(visitor, "share")


def reveal(visitor: Visitor, path: str) -> None:
    page = visitor.page
    visitor.open(path)
    page.get_by_role("link", name="Show the whole national ID").click()
    look(visitor, "reveal")
    page.get_by_label("Why you need it").fill("The court asks for it.")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("status")).to_contain_text("850 324-4821")
    look(visitor, "revealed")


def expect_titles(visitor: Visitor, *titles: str) -> None:
    """Waits for the page that the last click asked for."""
    expect(visitor.page.locator("tbody th")).to_have_text(titles)


def test_a_record_is_made_found_shared_and_watched(drive: Drive, people: dict[str, User]) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        owner = sign_in(new_visitor, "owner")
        path = create(owner)

        search(owner)
        expect_titles(owner, "Case 4711")
        look(owner, "found")

        colleague = sign_in(new_visitor, "colleague")
        colleague.open("/records/")
        expect_titles(colleague)
        share(owner, path, "colleague@example.org", "Can view")
        colleague.open("/records/")
        expect_titles(colleague, "Case 4711")
        assert colleague.open(path) == 200
        expect(colleague.page.get_by_role("link", name="Edit")).to_have_count(0)
        assert colleague.open(path + "edit/") == 403
        look(colleague, "403")

        stranger = sign_in(new_visitor, "stranger")
        assert stranger.open(path) == 404
        look(stranger, "404")
        stranger.open("/records/")
        expect_titles(stranger)

        reveal(owner, path)
        owner.open(path)
        history = owner.page.get_by_role("region", name="History")
        for told in ("colleague@example.org", "stranger@example.org", "The court asks for it."):
            expect(history).to_contain_text(told)
        look(owner, "detail")

        administrator = sign_in(new_visitor, "administrator")
        administrator.open("/audit/")
        look(administrator, "audit")
        for told in ("owner@example.org", "stranger@example.org", "Case 4711"):
            expect(administrator.page.get_by_role("main")).to_contain_text(told)
        administrator.page.get_by_role("region", name="Events").get_by_role("link").first.click()
        expect(administrator.page.get_by_role("heading", name="What, who, where")).to_be_visible()
        look(administrator, "audit-event")

        for visitor in (owner, colleague, stranger, administrator):
            assert visitor.complaints == []

    drive(walk)
    assert Record.objects.get().created_by == people["owner"]


def test_a_record_is_edited_no_longer_shared_and_deleted(drive: Drive, people: dict[str, User]) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        owner = sign_in(new_visitor, "owner")
        path = create(owner)
        share(owner, path, "colleague@example.org", "Can edit")

        colleague = sign_in(new_visitor, "colleague")
        colleague.open(path)
        colleague.page.get_by_role("link", name="Edit").click()
        look(colleague, "edit")
        colleague.page.get_by_label("Notes").fill("Recovered.")
        colleague.page.get_by_role("button", name="Save changes").click()
        expect(colleague.page.get_by_text("Recovered.")).to_be_visible()

        owner.open(path + "share/")
        owner.page.get_by_role("button", name="Stop sharing").click()
        expect(owner.page.get_by_role("status")).to_contain_text("can no longer see")
        assert colleague.open(path) == 404

        owner.open(path)
        owner.page.get_by_role("link", name="Delete this record").click()
        look(owner, "delete")
        owner.page.get_by_role("button", name="Delete for good").click()
        expect(owner.page.get_by_role("status")).to_contain_text("was deleted")
        expect_titles(owner)
        assert owner.complaints == colleague.complaints == []

    drive(walk)
    assert not Record.objects.exists()
