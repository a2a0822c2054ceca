"""The pages of access: who may look sees who has what and why, who may manage gives and takes, others are refused."""

import csv
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.constraints import SsdSet
from apps.rbac.decisions import check
from apps.rbac.models import DeclaredRole, RoleAssignment
from apps.rbac.protection import protected_models
from apps.rbac.roles import Registry, Role
from apps.rbac.sharing import share
from tests.conftest import ClientFor, MakeUser
from tests.rbac.conftest import queries
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, FolderEditor, FolderReader, Librarian

pytestmark = pytest.mark.django_db

GIVE = "rbac:give"


@pytest.fixture
def admin(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


@pytest.fixture
def auditor(make_user: MakeUser, registry: Registry, client_for: ClientFor) -> Client:
    """May look, and change nothing."""

    class AccessAuditor(Role):
        slug = "testapp.access_auditor"
        label = "Access auditor"
        permissions = frozenset({"rbac.view_roleassignment"})

    DeclaredRole.objects.create(slug=AccessAuditor.slug, label=AccessAuditor.label)
    return client_for(make_user(email="auditor@example.org", role=AccessAuditor.slug))


def key(obj: Any) -> str:
    return f"{obj._meta.label_lower}:{obj.pk}"


def pages(person: User, obj: Any) -> list[str]:
    return [
        reverse("rbac:roles"),
        reverse("rbac:role", args=["testapp.document_owner"]),
        reverse("rbac:people"),
        reverse("rbac:person", args=[person.pk]),
        reverse("rbac:place", args=[key(obj)]),
        reverse("rbac:explain"),
    ]


def text(response: Any) -> str:
    """What the page says, on one line."""
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def rows(response: Any) -> list[list[str]]:
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(response.content.decode().splitlines()))


@pytest.mark.asvs("8.2.1")
def test_who_may_look_opens_every_page_and_who_may_not_opens_none(
    auditor: Client, owner: User, stranger: User, document: Document, client_for: ClientFor
) -> None:
    for url in pages(owner, document):
        assert auditor.get(url).status_code == 200, url
        assert client_for(stranger).get(url).status_code == 403, url


@pytest.mark.asvs("8.2.1")
def test_who_may_only_look_can_neither_give_nor_revoke(
    auditor: Client, admin: Client, owner: User, document: Document
) -> None:
    given = RoleAssignment.objects.get(role=DocumentOwner.slug)
    for url in (reverse(GIVE), reverse("rbac:revoke", args=[given.pk])):
        assert admin.get(url).status_code == 200
        assert auditor.get(url).status_code == 403
        assert auditor.post(url, {"reason": "because"}).status_code == 403
    assert "Give a role" not in text(auditor.get(reverse("rbac:roles")))
    assert "Revoke" not in text(auditor.get(reverse("rbac:person", args=[owner.pk])))
    assert check(owner, "testapp.change_document", document)


def test_the_matrix_tells_what_is_listed_and_what_is_inherited(admin: Client) -> None:
    table = admin.get(reverse("rbac:roles")).context["matrix"]
    slugs = [role.slug for role, _ in admin.get(reverse("rbac:roles")).context["roles"]]
    cells = {name: row for name, _, row in table}
    assert cells["testapp.change_document"][slugs.index("testapp.folder_editor")] == "own"
    assert cells["testapp.view_document"][slugs.index("testapp.folder_editor")] == "inherited"
    assert cells["testapp.view_document"][slugs.index("user")] == ""


def test_roles_that_are_kept_apart_and_limits_of_a_role_are_shown(admin: Client, registry: Registry) -> None:
    class Custodian(Role):
        slug = "testapp.custodian"
        label = "Custodian"
        max_duration = timedelta(days=90)
        requires_activation = True

    assert "kept apart" not in text(admin.get(reverse("rbac:roles")))
    SsdSet("four_eyes", {Librarian, Custodian})
    shown = text(admin.get(reverse("rbac:roles")))
    assert "nobody holds 2 of them" in shown
    assert "testapp.custodian, testapp.librarian" in shown or "testapp.librarian, testapp.custodian" in shown
    shown = text(admin.get(reverse("rbac:role", args=["testapp.custodian"])))
    assert "90 days" in shown
    assert "after it is activated" in shown


def test_a_role_shows_who_has_it_where_since_when_until_when_and_by_whom(
    admin: Client, administrator: User, team: Group, folder: Folder
) -> None:
    until = timezone.now() + timedelta(days=3)
    assign_role_as_system(FolderEditor, team, folder, expires_at=until, reason="holiday cover")
    shown = text(admin.get(reverse("rbac:role", args=[FolderEditor.slug])))
    for said in ("Team", "group", key(folder), f"until {until:%-d %b %Y}", "the system", "holiday cover", "in force"):
        assert said in shown


def test_a_place_has_its_name_for_who_may_view_it_and_its_key_for_others(
    admin: Client, administrator: User, colleague: User, folder: Folder
) -> None:
    assign_role_as_system(FolderReader, colleague, folder, reason="test")
    url = reverse("rbac:person", args=[colleague.pk])
    assert "Plans" not in text(admin.get(url))
    assert "Plans" not in text(admin.get(reverse("rbac:place", args=[key(folder)])))
    assign_role_as_system(Librarian, administrator, reason="test")
    assert "Plans" in text(admin.get(url))
    assert "Plans" in text(admin.get(reverse("rbac:place", args=[key(folder)])))


def test_a_person_shows_roles_groups_shares_and_what_they_amount_to(
    admin: Client, owner: User, colleague: User, team: Group, document: Document
) -> None:
    share(owner, document, colleague, "change", reason="proof reading")
    assign_role_as_system(Librarian, team, reason="test")
    shown = text(admin.get(reverse("rbac:person", args=[colleague.pk])))
    for said in ("Team", "Librarian", "by the group Team", "Share", key(document), "proof reading"):
        assert said in shown
    everywhere = admin.get(reverse("rbac:person", args=[colleague.pk])).context["everywhere"]
    assert "testapp.view_document" in everywhere
    assert "testapp.change_document" not in everywhere


def test_an_object_shows_who_may_use_it_by_role_by_container_and_by_share(
    admin: Client, owner: User, colleague: User, team: Group, document: Document, folder: Folder
) -> None:
    share(owner, document, colleague, "view")
    assign_role_as_system(FolderReader, team, folder, reason="test")
    response = admin.get(reverse("rbac:place", args=[key(document)]))
    found = {(str(each.to), each.what) for each in response.context["grants"]}
    assert found == {
        ("owner@example.org", "Owner of a document"),
        ("colleague@example.org", "Share"),
        ("Team", "Reads a folder"),
    }
    assert "Whoever has the role Librarian" in text(response)


@pytest.mark.parametrize("place", ["nonsense", "testapp.document:", "testapp.nothing:1", "auth.permission:1"])
def test_what_is_no_object_that_can_be_given_is_not_found(admin: Client, document: Document, place: str) -> None:
    for each in (place, f"testapp.document:{uuid4()}", "testapp.document:\0"):
        assert admin.get(reverse("rbac:place", args=[each])).status_code == 404
    assert admin.get(reverse("rbac:place", args=[key(document)])).status_code == 200


def test_people_are_found_by_a_part_of_their_address_and_shown_with_their_roles(
    admin: Client, owner: User, colleague: User, team: Group, document: Document
) -> None:
    assign_role_as_system(Librarian, team, reason="test")
    response = admin.get(reverse("rbac:people"), {"q": "colleague"})
    assert response.context["rows"] == [(colleague, {"user": "everything", "testapp.librarian": "everything"})]
    [(_, held)] = admin.get(reverse("rbac:people"), {"q": "owner@"}).context["rows"]
    assert held["testapp.document_owner"] == "1"
    assert "Nobody found" in text(admin.get(reverse("rbac:people"), {"q": "zz"}))
    assert admin.get(reverse("rbac:people"), {"q": "a\0"}).status_code == 200


def test_the_page_explains_a_refusal_and_who_could_allow_it(
    admin: Client, owner: User, stranger: User, document: Document
) -> None:
    asked = {"person": "stranger@example.org", "permission": "testapp.view_document", "object": key(document)}
    shown = text(admin.get(reverse("rbac:explain"), asked))
    assert "Refused: no role and no share allows it." in shown
    assert "A share on" in shown
    assert "owner@example.org" in shown
    shown = text(admin.get(reverse("rbac:explain"), asked | {"person": str(owner.pk)}))
    assert "Allowed by a role." in shown
    assert "There is no such object." in text(admin.get(reverse("rbac:explain"), asked | {"object": "x:1"}))
    both = asked | {"permission": "testapp.view_document or testapp.veiw_document"}
    assert "Is it misspelled?" in text(admin.get(reverse("rbac:explain"), both))


@pytest.mark.asvs("1.2.10")
def test_a_download_holds_no_formula_and_is_recorded(
    admin: Client, administrator: User, owner: User, colleague: User, document: Document
) -> None:
    later = timezone.now() + timedelta(days=1)
    for evil in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assign_role_as_system(Librarian, colleague, expires_at=later, reason=evil)
        later += timedelta(days=1)
        file = admin.get(reverse("rbac:person", args=[colleague.pk]), {"as": "csv"}).content.decode()
        assert f"'{evil}" in file
        assert f",{evil}" not in file
        assert f'"{evil}' not in file
    told = Event.objects.filter(action="rbac.list.downloaded")
    assert {(each.actor_id, str(colleague) in each.details) for each in told} == {(str(administrator.pk), True)}
    assert told.count() == 6


def test_every_list_comes_as_a_file(admin: Client, owner: User, colleague: User, document: Document) -> None:
    for url in pages(owner, document)[:5]:
        assert len(rows(admin.get(url, {"as": "csv"}))) > 1, url
    [header, *people] = rows(admin.get(reverse("rbac:people"), {"as": "csv"}))
    [mine] = [row for row in people if row[0] == "owner@example.org"]
    assert dict(zip(header, mine, strict=True))["testapp.document_owner"] == "1"


def test_a_list_of_many_has_pages_and_its_file_has_all(admin: Client, make_user: MakeUser) -> None:
    users = [make_user() for _ in range(30)]
    for url in (reverse("rbac:people"), reverse("rbac:role", args=["user"])):
        assert "Page 1 of 2" in text(admin.get(url))
        assert "Page 2 of 2" in text(admin.get(url, {"page": "2"}))
        assert len(rows(admin.get(url, {"as": "csv"}))) > len(users)


def test_a_list_is_narrowed_to_one_state(admin: Client, colleague: User, folder: Folder, owner: User) -> None:
    now, day = timezone.now(), timedelta(days=1)
    assign_role_as_system(FolderReader, colleague, folder, expires_at=now - day, reason="test")
    assign_role_as_system(FolderReader, owner, folder, starts_at=now + day, reason="test")
    by_role, by_person = reverse("rbac:role", args=[FolderReader.slug]), reverse("rbac:person", args=[colleague.pk])
    for url, state, found in (
        (by_role, "expired", {colleague}),
        (by_role, "not begun", {owner}),
        (by_role, "in force", set()),
        (by_role, "no state", {colleague, owner}),
        (by_person, "expired", {colleague}),
        (by_person, "not begun", set()),
    ):
        response = admin.get(url, {"state": state})
        assert {each.to for each in response.context["grants"]} == found, (url, state)
    assert "None is in force." in text(admin.get(by_role, {"state": "in force"}))
    assert len(rows(admin.get(by_role, {"state": "expired", "as": "csv"}))) == 2


def test_pages_ask_the_database_little_however_much_they_show(
    admin: Client, owner: User, make_user: MakeUser, folder: Folder, document: Document
) -> None:
    def asked(url: str) -> int:
        with queries() as counted:
            assert admin.get(url).status_code == 200
        return len(counted)

    def give_more(times: int) -> None:
        for _ in range(times):
            someone = make_user()
            assign_role_as_system(FolderReader, someone, folder, reason="test")
            share(owner, document, someone, "view")

    give_more(1)
    *urls, explain = pages(owner, document)
    for_all_pages = asked(explain)  # session, user, policy, links of the header: nothing is asked of it yet
    few = [asked(url) - for_all_pages for url in urls]
    tables_of_shares = 2 * len(list(protected_models()))
    roles, role, people, person, place = few
    assert max(roles - 1, role - 3, people - 3, person - 6 - tables_of_shares, place - 7) <= 0, few
    give_more(10)
    assert [asked(url) - for_all_pages for url in urls] == few
