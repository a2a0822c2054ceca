"""The pages of access in a real browser: an administrator looks, gives, explains and takes back."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.rbac.assignments import assign_creator, assign_role_as_system
from apps.rbac.decisions import check
from apps.rbac.sharing import share
from tests.browser.accessibility import findings
from tests.browser.conftest import Drive, MakeMember, NewVisitor, Visitor
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, FolderEditor, FolderReader, Librarian

pytestmark = pytest.mark.slow


@pytest.fixture
def people(make_member: MakeMember) -> dict[str, User]:
    return {name: make_member(name, role) for name, role in {"ana": "admin", "ben": None, "gil": "guest"}.items()}


@pytest.fixture
def document(people: dict[str, User]) -> Document:
    """Ben's, in a folder that a team edits; shared with Gil. Ana may view what is in the library."""
    folder = Folder.objects.create(name="Plans for the new building")
    made = Document.objects.create(title="Ground floor", folder=folder)
    assign_creator(DocumentOwner, people["ben"], made)
    share(people["ben"], made, people["gil"], "view", reason="proof reading")
    team = Group.objects.create(name="Architects")
    team.user_set.add(people["gil"])
    now = timezone.now()
    assign_role_as_system(FolderEditor, team, folder, expires_at=now + timedelta(days=30), reason="the new building")
    past = now - timedelta(days=1)
    assign_role_as_system(FolderReader, people["ben"], folder, expires_at=past, reason="holiday cover")
    assign_role_as_system(Librarian, people["ana"], starts_at=past, reason="runs the library")
    return made


def look(visitor: Visitor, name: str) -> None:
    visitor.page.wait_for_load_state()
    visitor.picture(name)
    assert findings(visitor.page) == [], name


def test_every_page_of_access_can_be_used_by_all(drive: Drive, people: dict[str, User], document: Document) -> None:
    pages = {
        "access-roles": "/access/",
        "access-role": "/access/roles/testapp.folder_editor/",
        "access-role-empty": "/access/roles/records.owner/",
        "access-people": "/access/people/",
        "access-people-nobody": "/access/people/?q=zz",
        "access-person": f"/access/people/{people['gil'].pk}/",
        "access-person-expired": f"/access/people/{people['ben'].pk}/",
        "access-object": f"/access/on/testapp.document:{document.pk}/",
        "access-explain": "/access/explain/",
        "access-explained": "/access/explain/?person=gil@example.org&permission=testapp.change_document"
        f"&object=testapp.document:{document.pk}",
        "access-refusal-explained": "/access/explain/?person=gil@example.org&permission=testapp.delete_document"
        f"&object=testapp.document:{document.pk}",
        "access-explain-error": "/access/explain/?person=nobody&permission=x&object=y",
    }

    def walk(new_visitor: NewVisitor) -> None:
        visitor = new_visitor()
        visitor.sign_in("ana")
        for name, path in pages.items():
            assert visitor.open(path) == 200, path
            look(visitor, name)
        assert visitor.complaints == []

    drive(walk)


def test_a_role_is_given_refused_explained_and_taken_back(
    drive: Drive, people: dict[str, User], document: Document
) -> None:
    def walk(new_visitor: NewVisitor) -> None:
        ana = new_visitor()
        ana.sign_in("ana")
        page = ana.page
        page.get_by_role("link", name="Access", exact=True).click()
        page.get_by_role("link", name="Give a role").click()
        page.get_by_label("Person or group").fill("ana@example.org")
        page.get_by_label("Role").select_option("testapp.librarian")
        page.get_by_label("Reason").fill("reads along")
        page.get_by_role("button", name="Give the role").click()
        expect(page.get_by_role("alert")).to_contain_text("Nobody changes rights of his own.")
        expect(page.get_by_label("Reason")).to_have_value("reads along")
        look(ana, "access-give-refused")
        page.get_by_label("Person or group").fill("gil@example.org")
        page.get_by_role("button", name="Give the role").click()
        expect(page.get_by_role("status")).to_contain_text("gil@example.org has the role Librarian.")
        look(ana, "access-given")

        page.get_by_role("link", name="Revoke Librarian of gil@example.org").click()
        look(ana, "access-revoke")
        page.get_by_label("Reason").fill("done reading")
        page.get_by_role("button", name="Revoke it").click()
        expect(page.get_by_role("status")).to_contain_text("gil@example.org no longer has the role Librarian.")

        gil = new_visitor()
        gil.sign_in("gil")
        assert gil.open("/access/") == 403
        look(gil, "access-403")
        reference = gil.page.locator("code").last.inner_text()

        ana.open("/access/explain/")
        page.get_by_label("Reference of a refusal").fill(reference)
        page.get_by_role("button", name="Find the refusal").click()
        page.get_by_role("region", name="Events").get_by_role("link").first.click()
        page.get_by_role("link", name="Explain this refusal").click()
        expect(page.get_by_role("main")).to_contain_text("Refused: no role and no share allows it.")
        assert ana.complaints == gil.complaints == []

    drive(walk)
    assert not check(people["gil"], "testapp.view_folder")
