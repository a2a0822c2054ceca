"""The audit log in a real browser: a person finds who saw a thing, on a phone and on a desktop, by day and by night."""

from typing import Any

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.audit import api, sealing
from apps.audit.context import acting_as, of_request
from tests.audit.test_my_activity import request_from
from tests.browser.accessibility import findings
from tests.browser.conftest import Drive, MakeMember, NewVisitor, Visitor
from tests.testapp.models import Thing

pytestmark = pytest.mark.slow
REQUEST = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def ana(make_member: MakeMember) -> User:
    return make_member("ana", "admin")


@pytest.fixture
def told(ana: User, make_member: MakeMember) -> dict[str, Any]:
    """Ben was given access to a thing, saw it, and was refused another one, in one request."""
    ben = make_member("ben", None)
    thing = Thing.objects.create(title="Case " + "4711 " * 12)
    with acting_as(ana, reason="asked by phone"):
        api.record("rbac.share.granted", target=thing, to=ben.email, permissions=["view_thing"])
    request = request_from("2001:db8:85a3::8a2e:370:7334", ben)
    request.request_id = REQUEST  # type: ignore[attr-defined]
    with of_request(request):
        for number in range(60):
            api.record("testapp.thing.viewed", target=thing)
            if number % 9 == 0:
                api.record("rbac.access.refused", target=thing, outcome="denied", permission="testapp.change_thing")
        changed = api.record(
            "testapp.thing.changed",
            target=thing,
            changes={"title": ["old" * 40, "new"], "secret": api.CHANGED},
            outcome="error",
            to="new",
        )
    return {"thing": thing, "event": changed, "ben": ben}


def look(visitor: Visitor, name: str) -> None:
    visitor.picture(name)
    assert findings(visitor.page) == [], name


def test_an_administrator_reads_the_log(drive: Drive, told: dict[str, Any]) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        page = visitor.page
        page.get_by_role("link", name="Audit log", exact=True).click()
        drawing = page.get_by_role("link", name="Bars: events of each day")
        expect(drawing).to_be_visible()
        page.wait_for_function("() => document.querySelector('img.chart').naturalWidth > 0")
        look(visitor, "audit-log")
        if visitor.looks.width == 390:
            assert page.evaluate("document.documentElement.scrollHeight") < 5_000, "fifty events are a short list"
        drawing.click()
        expect(page.get_by_role("img", name="Bars: events of each day")).to_be_visible()
        expect(page.get_by_role("table")).to_be_visible()
        look(visitor, "audit-days")
        page.get_by_role("link", name="Audit log", exact=True).last.click()
        page.get_by_text("Find events by").click()
        look(visitor, "audit-log-open")
        page.get_by_label("Outcome", exact=True).select_option("denied")
        page.get_by_role("button", name="Show events").click()
        expect(page.get_by_text("By outcome the log is read through")).to_be_visible()
        look(visitor, "audit-log-refusals")
        page.get_by_label("On what").fill("nothing at all")
        page.get_by_role("button", name="Show events").click()
        expect(page.get_by_role("alert")).to_be_visible()
        look(visitor, "audit-log-error")
        visitor.open("/audit/?action=rbac.policy.missing")
        look(visitor, "audit-log-none")
        assert visitor.open("/audit/days.svg") == 200, "the drawing by itself, under the same policy"
        assert visitor.complaints == []

    drive(walk)


def test_an_administrator_follows_an_event_to_its_request_its_person_and_its_object(
    drive: Drive, told: dict[str, Any]
) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        page = visitor.page
        visitor.open(f"/audit/{told['event'].pk}/")
        expect(page.get_by_role("heading", name="The same request")).to_be_visible()
        look(visitor, "audit-event")
        page.get_by_role("link", name="ben@example.org").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What ben@example.org did")
        look(visitor, "audit-person")
        visitor.open(f"/audit/on/testapp.thing/{told['thing'].pk}/")
        page.get_by_role("link", name="Last 31 days").click()
        row = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="ben@example.org"))
        expect(row).to_contain_text("60 ×")
        expect(row).to_contain_text("ana@example.org shared")
        look(visitor, "audit-object")
        page.get_by_role("link", name="Last month").click()
        expect(page.get_by_text("Nobody in this time.")).to_be_visible()
        look(visitor, "audit-object-none")
        assert visitor.complaints == []

    drive(walk)


def test_an_administrator_sees_whether_the_log_is_sealed(drive: Drive, told: dict[str, Any]) -> None:
    list(sealing.seal())

    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        page = visitor.page
        visitor.open("/audit/")
        page.get_by_role("link", name="Integrity").click()
        expect(page.get_by_role("heading", name="Checkpoints")).to_be_visible()
        look(visitor, "audit-integrity")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the checkpoint").first.click()
        assert "/audit\n" in download.value.path().read_text()
        visitor.open(f"/audit/{told['event'].pk}/")
        expect(page.get_by_text("sealed", exact=True)).to_be_visible()
        look(visitor, "audit-event-sealed")
        assert visitor.complaints == []

    drive(walk)


def test_an_administrator_downloads_what_the_filters_show(drive: Drive, told: dict[str, Any]) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        visitor.open("/audit/?action=testapp.thing.changed")
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Download these as CSV").click()
        assert download.value.suggested_filename == "audit-log.csv"
        assert str(told["event"].pk) in download.value.path().read_text()
        assert visitor.complaints == []

    drive(walk)
