"""Django's admin by rbac's rules: who may open it, which rows it shows, and what each of its forms can't do."""

import json

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import User
from apps.audit.models import Event
from apps.rbac.admin_site import RBACModelAdmin
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.roles import Registry
from apps.rbac.sharing import share
from apps.rbac.sync import sync
from tests.conftest import ClientFor
from tests.rbac.admin import HOME, url
from tests.rbac.conftest import Told, queries
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, Folder, Patient

DOCUMENTS = f"{HOME}testapp/document/"


# The door


@pytest.mark.asvs("8.2.1")
def test_the_admin_is_opened_by_its_permission_and_not_by_a_flag(
    clerks: Client, stranger: User, client_for: ClientFor
) -> None:
    stranger.is_staff = True
    stranger.save()
    assert clerks.get(HOME).status_code == 200
    assert client_for(stranger).get(HOME).status_code == 403
    assert client_for(stranger).get(DOCUMENTS).status_code == 403


def test_its_only_way_in_is_the_sign_in_page_of_the_site(db: None, clerks: Client) -> None:
    for page in ("", "login/", "testapp/document/", "autocomplete/", "jsi18n/"):
        assert Client().get(HOME + page)["Location"] == f"/accounts/login/?next={HOME}{page}"
    assert Client().post(f"{HOME}login/", {"username": "a", "password": "b"}).status_code == 302
    assert clerks.get(f"{HOME}login/")["Location"] == HOME


@pytest.mark.parametrize("name", ["logout", "password_change", "password_change_done", "view_on_site"])
def test_it_has_no_pages_beside_those_of_the_site(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:{name}")


def test_its_pages_have_the_policy_of_the_site_but_for_trusted_types(clerks: Client) -> None:
    of_site, of_admin = (clerks.get(page)["Content-Security-Policy"].split("; ") for page in ("/", HOME))
    assert set(of_site) - set(of_admin) == {"require-trusted-types-for 'script'", "trusted-types 'none'"}
    assert set(of_admin) <= set(of_site)


def test_only_classes_that_ask_rbac_are_registered() -> None:
    registered = {model._meta.label: type(each) for model, each in admin.site._registry.items()}
    assert all(issubclass(each, RBACModelAdmin) for each in registered.values())
    kit = {label for label in registered if not label.startswith(("testapp.", "records."))}
    assert kit == {"accounts.User", "auth.Group", "rbac.RoleAssignment"}


# Rows


@pytest.mark.asvs("8.2.2")
def test_one_sees_and_changes_the_rows_that_one_may(
    clerks: Client, clerk: User, owner: User, document: Document, told: list[Told]
) -> None:
    other = Document.objects.create(title="Secret")
    assert clerks.get(DOCUMENTS).status_code == 403
    share(owner, document, clerk, ["view", "change"])
    page = clerks.get(DOCUMENTS).content.decode()
    assert "Plan A" in page
    assert "Secret" not in page
    assert clerks.get(url(document)).status_code == 200
    assert clerks.get(url(other)).status_code == 302  # Django's way of saying that there is none
    told.clear()
    posted = {"title": "Plan B", "folder": str(document.folder_id)}
    assert clerks.post(url(other), posted).status_code == 302
    assert Document.objects.get(pk=other.pk).title == "Secret"
    assert [(each.name, each.target, each.details) for each in told] == [
        ("access_refused", None, {"permission": "testapp.view_document"})  # as for one that never was
    ]


def test_what_one_may_only_view_is_shown_without_a_form(
    clerks: Client, clerk: User, owner: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, clerk, "view")
    assert b'name="title"' not in clerks.get(url(document)).content
    told.clear()
    assert clerks.post(url(document), {"title": "Stolen"}).status_code == 403
    assert clerks.post(url(document, "delete"), {"post": "yes"}).status_code == 403
    assert Document.objects.get().title == "Plan A"
    assert [(each.name, each.outcome) for each in told] == 2 * [("access_refused", "denied")]


def test_with_a_row_goes_nothing_that_one_may_not_delete(
    registry: Registry, clerks: Client, clerk: User, document: Document, folder: Folder
) -> None:
    declare("cleaner", permissions=frozenset({"testapp.view_folder", "testapp.delete_folder"}))
    sync()
    assign_role_as_system("cleaner", clerk, reason="test")
    assert b"your account doesn" in clerks.get(url(folder, "delete")).content
    assert clerks.post(url(folder, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(folder.pk)], "post": "yes"}
    assert clerks.post(f"{HOME}testapp/folder/", chosen).status_code == 403
    assert Document.objects.filter(folder=folder).exists()
    document.delete()
    assert clerks.post(url(folder, "delete"), {"post": "yes"}).status_code == 302
    assert not Folder.objects.exists()


def test_a_relation_offers_and_accepts_what_one_may_see(
    clerks: Client, clerk: User, owner: User, document: Document, folder: Folder
) -> None:
    share(owner, document, clerk, ["view", "change"])
    assign_role_as_system("testapp.folder_reader", clerk, folder, reason="test")
    hidden = Folder.objects.create(name="Secret plans")
    assert b"Secret plans" not in clerks.get(url(document)).content
    answer = clerks.post(url(document), {"title": "Plan A", "folder": str(hidden.pk)})
    assert b"Select a valid choice" in answer.content
    assert clerks.post(url(document), {"title": "Plan B", "folder": str(folder.pk)}).status_code == 302
    document.refresh_from_db()
    assert (document.title, document.folder) == ("Plan B", folder)


@pytest.mark.asvs("8.2.2")
@pytest.mark.parametrize(("action", "wanted"), [("mark_as_old", "change"), ("delete_selected", "delete")])
def test_an_action_on_many_is_refused_if_one_of_them_may_not(
    action: str, wanted: str, clerks: Client, clerk: User, owner: User, document: Document, told: list[Told]
) -> None:
    own = [Document.objects.create(title=f"own {n}") for n in range(3)]
    for each in own:
        assign_role_as_system("testapp.document_owner", clerk, each, reason="test")
    share(owner, document, clerk, "view")
    told.clear()
    posted = {"action": action, "_selected_action": [str(each.pk) for each in (*own, document)], "post": "yes"}
    assert clerks.post(DOCUMENTS, posted).status_code == 403
    assert Document.objects.filter(title__startswith="own").count() == 3
    assert [(each.name, each.target, each.details["permission"]) for each in told] == [
        ("access_refused", document, f"testapp.{wanted}_document")
    ]
    posted["_selected_action"] = [str(each.pk) for each in own]
    with queries() as asked:
        assert clerks.post(DOCUMENTS, posted).status_code == 302
    assert not Document.objects.filter(title__startswith="own").exists()
    decided = [each for each in asked if "rbac_roleassignment" in each["sql"] and each["sql"].startswith("SELECT")]
    assert len(decided) < 20  # not one for each object and rule


@pytest.mark.asvs("8.2.2")
@pytest.mark.parametrize("action", ["mark_as_old", "delete_selected"])
def test_an_action_on_what_one_may_not_see_is_refused_for_the_rest_too(
    action: str, clerks: Client, clerk: User, document: Document, told: list[Told]
) -> None:
    """Django leaves it out, does the rest and says nothing."""
    own = Document.objects.create(title="own")
    assign_role_as_system("testapp.document_owner", clerk, own, reason="test")
    told.clear()
    posted = {"action": action, "_selected_action": [str(own.pk), str(document.pk)], "post": "yes"}
    assert clerks.post(DOCUMENTS, posted).status_code == 403
    assert set(Document.objects.values_list("title", flat=True)) == {"own", "Plan A"}
    assert [each.name for each in told] == ["access_refused"]


def test_a_list_whose_rows_are_edited_in_place_is_an_error_at_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="list_editable"):
        type("Hasty", (RBACModelAdmin,), {"list_editable": ("title",), "__module__": __name__})


def test_what_is_done_here_is_an_event_beside_djangos_own_entry(clerks: Client, clerk: User) -> None:
    posted = {"title": "first", "clinic": "", "name": "Ann", "notes": "", "national_id": "", "history": "[]"}
    assert clerks.post(f"{HOME}testapp/patient/add/", posted).status_code == 302
    patient = Patient.objects.get()
    assert clerks.post(url(patient), posted | {"title": "second"}).status_code == 302
    added, changed = Event.objects.filter(action="rbac.admin.edited").order_by("id")
    assert json.loads(added.details) == {"fields": [], "step": "added"}
    told = json.loads(changed.details)
    assert told["step"] == "changed"
    assert "Title" in told["fields"]
    assert "second" not in changed.details + changed.changes
    assert {added.target_id, changed.target_id} == {str(patient.pk)}
    assert {added.actor_id, changed.actor_id} == {str(clerk.pk)}
    assert LogEntry.objects.count() == 2


# Sealed fields


def test_a_sealed_field_is_shown_by_its_mask(clerks: Client) -> None:
    patient = Patient.objects.create(title="open", name="Ann Example", national_id="1234567890")
    page = clerks.get(url(patient)).content.decode()
    assert "1234567890" not in page
    assert "••••7890" in page
