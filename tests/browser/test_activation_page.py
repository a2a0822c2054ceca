"""A role that is held and idle, put to use in a real browser and dropped again."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.rbac.assignments import assign_role_as_system
from apps.rbac.roles import Registry
from apps.rbac.sync import sync
from tests.browser.accessibility import findings
from tests.browser.conftest import Drive, MakeMember, NewVisitor, Visitor
from tests.rbac.conftest import registry  # noqa: F401 - fixture
from tests.rbac.test_roles import declare

pytestmark = pytest.mark.slow


def look(visitor: Visitor, name: str) -> None:
    visitor.page.wait_for_load_state()
    visitor.picture(name)
    assert findings(visitor.page) == [], name


def test_a_person_activates_a_role_and_drops_it(drive: Drive, make_member: MakeMember, registry: Registry) -> None:  # noqa: F811 - fixture
    declare(
        "auditor",
        description="Reads who has access to what.",
        permissions=frozenset({"rbac.view_roleassignment"}),
        requires_activation=True,
        max_activation=timedelta(hours=1),
    )
    sync()
    assign_role_as_system("auditor", make_member("ana", None), reason="test")
    make_member("gil", None)

    def walk(new_visitor: NewVisitor) -> None:
        ana = new_visitor()
        ana.sign_in("ana")
        page = ana.page
        page.get_by_role("link", name="Activate a role", exact=True).click()
        look(ana, "activate")
        page.get_by_label("Reason").fill(" ")
        page.get_by_role("button", name="Activate it").click()
        expect(page.get_by_role("main")).to_contain_text("This field is required.")
        look(ana, "activate-refused")
        page.get_by_label("Reason").fill("yearly review")
        page.get_by_label("For").select_option("15 minutes")
        page.get_by_role("button", name="Activate it").click()
        expect(page.get_by_role("status")).to_contain_text("You use the role Auditor now.")
        look(ana, "activate-active")
        assert ana.open("/access/") == 200
        ana.open("/access/mine/")
        page.get_by_role("button", name="Drop Auditor").click()
        expect(page.get_by_role("status")).to_contain_text("You no longer use the role Auditor.")
        assert ana.open("/access/") == 403

        gil = new_visitor()
        gil.sign_in("gil")
        expect(gil.page.get_by_role("link", name="Activate a role")).to_have_count(0)
        assert gil.open("/access/mine/") == 200
        look(gil, "activate-none")
        assert ana.complaints == gil.complaints == []

    drive(walk)
