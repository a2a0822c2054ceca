"""Django's admin in a real browser: an administrator finds a person, renames a group and reads who has which role."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.rbac.models import RoleAssignment
from tests.browser.accessibility import WIDER_THAN_THE_SCREEN
from tests.browser.conftest import Drive, MakeMember, NewVisitor, Visitor

pytestmark = pytest.mark.slow
HOME = f"/{settings.ADMIN_PATH}"


@pytest.fixture
def people(make_member: MakeMember) -> dict[str, User]:
    return {name: make_member(name, role) for name, role in {"ana": "admin", "ben": None, "gil": "guest"}.items()}


def look(visitor: Visitor, name: str) -> None:
    visitor.page.wait_for_load_state()
    visitor.picture(name)
    assert visitor.page.evaluate(WIDER_THAN_THE_SCREEN) == [], name


def test_every_page_of_the_admin_keeps_to_the_policy_of_the_site(drive: Drive, people: dict[str, User]) -> None:
    team = Group.objects.create(name="Architects")
    given = RoleAssignment.objects.get(user=people["gil"], role="guest")
    pages = {
        "admin-index": "",
        "admin-users": "accounts/user/",
        "admin-users-found": "accounts/user/?q=gil&is_active__exact=1",
        "admin-user": f"accounts/user/{people['gil'].pk}/change/",
        "admin-user-new": "accounts/user/add/",
        "admin-user-history": f"accounts/user/{people['gil'].pk}/history/",
        "admin-group": f"auth/group/{team.pk}/change/",
        "admin-assignments": "rbac/roleassignment/",
        "admin-assignment": f"rbac/roleassignment/{given.pk}/change/",
    }

    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        for name, path in pages.items():
            assert visitor.open(HOME + path) == 200, path
            look(visitor, name)
        expect(visitor.page.get_by_role("button", name="Save")).to_have_count(0)  # an assignment is read here
        assert visitor.complaints == []

    drive(walk)


def test_an_administrator_puts_a_person_into_a_group_and_others_do_not_find_the_admin(
    drive: Drive, people: dict[str, User]
) -> None:
    Group.objects.create(name="Architects")

    def walk(new_visitor: NewVisitor) -> None:
        ana = new_visitor()
        ana.sign_in("ana")
        page = ana.page
        page.get_by_role("link", name="Administration", exact=True).click()
        page.get_by_role("main").get_by_role("link", name="Users", exact=True).click()
        page.get_by_role("link", name="gil@example.org").click()
        page.get_by_label("Name").fill("Gil")
        page.locator("select[name=groups_old]").select_option("Architects")
        page.locator(".selector-add, .selector-choose").first.click()
        look(ana, "admin-user-in-group")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".success")).to_contain_text("was changed successfully")
        look(ana, "admin-user-saved")

        gil = new_visitor()
        gil.sign_in("gil")
        expect(gil.page.get_by_role("link", name="Administration")).to_have_count(0)
        assert gil.open(HOME) == 403
        assert ana.complaints == gil.complaints == []

    drive(walk)
    assert list(people["gil"].groups.values_list("name", flat=True)) == ["Architects"]
