"""What guardian 3.5.2 and Django 6.1 get wrong when used as they come, each beside what we answer.

The numbers are those of the table in the design. Where guardian is called, it is to show that the trap is still
there: if such a line fails after an upgrade, guardian has changed and the rule may be looked at again.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from guardian.admin import GuardedModelAdmin, GuardedModelAdminMixin
from guardian.backends import ObjectPermissionBackend
from guardian.exceptions import WrongAppError
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import get_objects_for_user  # noqa: TID251 - the trap itself

from apps.accounts.backends import SignInBackend
from apps.accounts.models import User
from apps.rbac import review
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.backends import RBACBackend
from apps.rbac.decisions import check, check_many
from apps.rbac.errors import DirectGrantError, InactiveRecipient, UnknownPermission
from apps.rbac.roles import Registry, extend
from apps.rbac.sharing import share
from tests.conftest import MakeUser
from tests.project.tree import ROOT
from tests.rbac.conftest import Told
from tests.testapp.models import Document, DocumentUserShare, Folder, Patient, Thing

VIEW = "testapp.view_document"
GUARDIAN = ObjectPermissionBackend()


def listed(user: User | AnonymousUser) -> set[Document]:
    return set(Document.objects.for_user(user, "view"))


def test_1_a_global_permission_holds_on_each_object_in_every_answer(stranger: User, document: Document) -> None:
    assign_role_as_system("testapp.librarian", stranger, reason="test")
    assert stranger.has_perm(VIEW)
    assert stranger.has_perm(VIEW, document)
    assert listed(stranger) == {document}
    assert stranger in RBACBackend().with_perm(VIEW, obj=document)
    assert not GUARDIAN.has_perm(stranger, VIEW, document)


def test_2_an_inactive_user_is_shown_nothing_in_a_list(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, "view")
    colleague.is_active = False
    assert list(get_objects_for_user(colleague, VIEW)) == [document]
    assert not colleague.has_perm(VIEW, document)
    assert listed(colleague) == set()


def test_3_an_inactive_superuser_is_shown_nothing_either(make_user: MakeUser, document: Document) -> None:
    root = make_user(is_superuser=True, is_active=False)
    assert list(get_objects_for_user(root, VIEW)) == [document]
    assert not root.has_perm(VIEW, document)
    assert listed(root) == set()


def test_4_an_async_question_sees_a_share(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, "view")
    assert GUARDIAN.has_perm(colleague, VIEW, document)
    assert not hasattr(GUARDIAN, "ahas_perm")
    assert async_to_sync(colleague.ahas_perm)(VIEW, document)


def test_5_a_share_beside_that_of_a_group_outlives_the_group(
    owner: User, colleague: User, team: Group, document: Document
) -> None:
    share(owner, document, team, "view")
    assert share(owner, document, colleague, "view") == [VIEW]
    colleague.groups.remove(team)
    assert colleague.has_perm(VIEW, document)
    assert listed(colleague) == {document}


def test_6_a_share_with_a_superuser_is_kept_and_outlives_his_rank(
    owner: User, make_user: MakeUser, document: Document
) -> None:
    root = make_user(is_superuser=True)
    assert share(owner, document, root, "view") == [VIEW]
    assert DocumentUserShare.objects.filter(user=root).count() == 1
    root.is_superuser = False
    assert root.has_perm(VIEW, document)


def test_7_a_share_with_an_inactive_user_is_refused_in_words_and_again_without_an_error(
    owner: User, colleague: User, document: Document
) -> None:
    share(owner, document, colleague, "view")
    colleague.is_active = False
    colleague.save()
    for _ in range(2):
        with pytest.raises(InactiveRecipient):
            share(owner, document, colleague, "view")
    assert DocumentUserShare.objects.count() == 1


def test_8_a_new_object_under_an_old_key_is_not_shared(
    owner: User, colleague: User, team: Group, document: Document, folder: Folder
) -> None:
    share(owner, document, colleague, "view")
    share(owner, document, team, "view")
    old_key = document.pk
    document.delete()
    assert not DocumentUserShare.objects.exists()
    again = Document.objects.create(pk=old_key, title="another", folder=folder)
    for user in (owner, colleague):
        assert not user.has_perm(VIEW, again)
        assert listed(user) == set()


def test_8_nothing_is_ever_written_to_the_generic_tables(
    owner: User, colleague: User, team: Group, document: Document
) -> None:
    share(owner, document, colleague, "view")
    share(owner, document, team, "view")
    assert not UserObjectPermission.objects.exists()
    assert not GroupObjectPermission.objects.exists()


def test_9_a_misspelled_permission_is_an_error_for_superusers_too(
    owner: User, make_user: MakeUser, document: Document
) -> None:
    for user in (owner, make_user(is_superuser=True)):
        with pytest.raises(UnknownPermission):
            user.has_perm("testapp.veiw_document", document)


def test_10_a_permission_of_another_app_is_answered_without_an_error(
    owner: User, administrator: User, document: Document
) -> None:
    with pytest.raises(WrongAppError):
        GUARDIAN.has_perm(owner, "rbac.manage", document)
    assert not owner.has_perm("rbac.manage", document)
    assert administrator.has_perm("rbac.manage", document)
    assert check_many(owner, "rbac.manage", [document]) == set()
    assert list(Document.objects.for_user(administrator, "rbac.manage")) == [document]


def test_11_who_is_not_signed_in_sees_an_empty_list_and_not_an_error(document: Document) -> None:
    with pytest.raises(User.DoesNotExist):
        get_objects_for_user(AnonymousUser(), VIEW)
    assert listed(AnonymousUser()) == set()
    assert not check(AnonymousUser(), VIEW, document)


def test_12_guardians_page_of_permissions_is_not_there_and_what_it_writes_grants_nothing(
    owner: User, clerk: User, clerks: Client, document: Document
) -> None:
    """Who may change a thing gives himself all the rest there, and no log knows of it."""
    patient = Patient.objects.create(title="open", name="Ann")
    assert clerk.has_perm("testapp.change_patient", patient)
    page = GuardedModelAdmin(Patient, AdminSite()).get_obj_perms_manage_user_form(RequestFactory().get("/"))
    form = page(clerk, patient, {"permissions": ["delete_patient"]})
    assert form.is_valid()
    form.save_obj_perms()
    assert UserObjectPermission.objects.count() == 1
    assert not LogEntry.objects.exists()

    assert not clerk.has_perm("testapp.delete_patient", patient)
    assert not any(isinstance(each, GuardedModelAdminMixin) for each in admin.site._registry.values())
    share(owner, document, clerk, ["view", "change"])
    browser, change = clerks, reverse("admin:testapp_document_change", args=[document.pk])
    assert browser.get(change).status_code == 200
    forged = {"permissions": ["delete_document", "share_document", "view_document"], "submit": "Save"}
    for under in (f"permissions/user-manage/{clerk.pk}/", "permissions/"):
        # Django takes the rest of the address for a key, which nothing has.
        answer = browser.post(change.replace("change/", under), forged, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("admin:index")
    assert {name for name in ("delete", "share") if check(clerk, f"testapp.{name}_document", document)} == set()


def test_12_guardians_page_on_a_protected_model_ends_in_an_error(owner: User, document: Document) -> None:
    page = GuardedModelAdmin(Document, AdminSite()).get_obj_perms_manage_user_form(RequestFactory().get("/"))
    form = page(owner, document, {"permissions": ["delete_document"]})
    assert form.is_valid()
    with pytest.raises(DirectGrantError):
        form.save_obj_perms()


def test_12_an_admin_class_of_guardians_is_not_registered() -> None:
    admin.site.register(Thing, GuardedModelAdmin)
    assert not admin.site.is_registered(Thing)


def test_13_who_may_change_users_does_not_make_himself_a_superuser(
    clerk: User, clerks: Client, told: list[Told]
) -> None:
    """Django's own form lets him."""
    assert "is_superuser" in flatten_fieldsets(UserAdmin.fieldsets)
    assert not UserAdmin.readonly_fields
    assert clerk.has_perm("accounts.change_user", clerk)
    form = reverse("admin:accounts_user_change", args=[clerk.pk])
    assert clerks.post(form, {"name": "", "is_superuser": "on"}).status_code == 403
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert [each.name for each in told] == ["access_refused"]


# The corrections of the design, which a second try brought


def test_a_superuser_is_asked_too_and_holds_what_exists_only_while_the_setting_says_so(
    make_user: MakeUser, document: Document, settings: Any
) -> None:
    root = make_user(is_superuser=True)
    assert root.has_perm(VIEW, document)
    with pytest.raises(UnknownPermission):
        root.has_perm("nope.nope")
    settings.RBAC_SUPERUSER = False
    assert not root.has_perm(VIEW, document)
    assert not root.has_module_perms("rbac")


def test_the_sign_in_backend_answers_no_question_about_permissions(make_user: MakeUser, document: Document) -> None:
    root = make_user(is_superuser=True)
    assert not SignInBackend().has_perm(root, VIEW)
    assert SignInBackend().get_all_permissions(root) == set()
    assert list(SignInBackend().with_perm(VIEW)) == []


def test_rows_in_djangos_own_tables_grant_nothing(colleague: User, team: Group, document: Document) -> None:
    view = Permission.objects.get(codename="view_document")
    colleague.user_permissions.add(view)
    team.permissions.add(view)
    assert not colleague.has_perm(VIEW)
    assert not colleague.has_perm(VIEW, document)
    assert listed(colleague) == set()


def test_rows_in_guardians_generic_tables_grant_nothing(colleague: User, document: Document) -> None:
    view = Permission.objects.get(codename="view_document")
    UserObjectPermission.objects.create(
        user=colleague, permission=view, content_type=view.content_type, object_pk=str(document.pk)
    )
    assert not colleague.has_perm(VIEW, document)
    assert listed(colleague) == set()


def test_the_list_is_guardians_answer_where_guardians_is_right(
    owner: User, colleague: User, team: Group, document: Document, folder: Folder
) -> None:
    other = Document.objects.create(title="Plan B", folder=folder)
    assign_role_as_system("testapp.document_owner", owner, other, reason="test")
    share(owner, document, colleague, "view")
    share(owner, other, team, "view")
    assert listed(colleague) == set(get_objects_for_user(colleague, VIEW)) == {document, other}


def test_who_is_new_holds_the_default_role_and_none_if_there_is_none(make_user: MakeUser, settings: Any) -> None:
    assert review.assigned_roles(make_user()) == {settings.RBAC_DEFAULT_ROLE} == {"user"}
    settings.RBAC_DEFAULT_ROLE = ""
    assert review.assigned_roles(make_user()) == set()


def test_what_an_app_adds_to_a_role_goes_with_the_app(stranger: User, registry: Registry) -> None:
    extend("guest", {VIEW})
    assert check(stranger, VIEW)
    registry.extensions["guest"].remove(VIEW)
    registry.forget()
    assert not check(stranger, VIEW)


def test_permissions_are_shared_and_roles_are_given_and_no_page_mixes_the_words() -> None:
    mixed = re.compile(
        r"\b(shar(e|es|ed|ing) (a|the|this|that|your)? ?roles?|roles? (is|are|was|were) shared)\b", re.IGNORECASE
    )
    assert mixed.search("The role was shared.")
    pages = [*Path("templates").rglob("*.html"), *Path("apps/rbac").rglob("*.py"), *Path("docs").rglob("*.md")]
    assert [str(path) for path in pages if mixed.search((ROOT / path).read_text())] == []


def test_the_user_and_group_models_have_none_of_guardians_methods() -> None:
    assert not hasattr(User, "add_obj_perm")
    assert not hasattr(Group, "add_obj_perm")


def test_guardians_own_manager_writes_nothing(owner: User, colleague: User, document: Document) -> None:
    with pytest.raises(DirectGrantError):
        DocumentUserShare.objects.assign_perm("view_document", colleague, document)
    assert not colleague.has_perm(VIEW, document)
