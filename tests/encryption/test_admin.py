"""Django's admin, for a project that installs it, shows masks and sorts by nothing that is encrypted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin, sites
from django.contrib.admin.templatetags.admin_list import result_headers, results
from django.test import RequestFactory
from django.urls import path

from apps.encryption import checks
from apps.encryption.admin import SealedAdminMixin
from apps.encryption.masks import HIDDEN
from tests.testapp.models import Patient

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Site(AdminSite):
    def get_log_entries(self, request: Any) -> Any:
        return []  # its table comes with the app, which the kit does without


class PatientAdmin(SealedAdminMixin, ModelAdmin):
    list_display = ("title", "name", "national_id")
    list_display_links = ("national_id",)
    fields = ("title", ("name", "national_id"), "weight")
    readonly_fields = ("weight",)
    search_fields = ("national_id__exact",)


site = Site()
site.register(Patient, PatientAdmin)
urlpatterns = [path("admin/", site.urls)]


class User:
    """Someone of the staff, who may change patients or only look at them."""

    is_active = is_staff = is_authenticated = True
    pk = 1

    def __init__(self, *verbs: str) -> None:
        self.permissions = [f"testapp.{verb}_patient" for verb in verbs]

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        return permission in self.permissions

    has_module_perms = has_perm


type Page = Callable[..., dict[str, Any]]


@pytest.fixture
def patient() -> Patient:
    return Patient.objects.create(title="Dr", name="Ada Marker", national_id="12345678", weight=71)


@pytest.fixture
def page(rf: RequestFactory) -> Page:
    """What the admin gives its template, for a user who may do this."""
    model_admin = PatientAdmin(Patient, site)

    def get(*verbs: str, pk: Any = None, method: str = "get", **asked: Any) -> dict[str, Any]:
        request = getattr(rf, method)("/", asked)
        request.user = User(*verbs)
        view = model_admin.change_view(request, str(pk)) if pk else model_admin.changelist_view(request)
        return view.context_data

    return get


def shown_by(form: Any) -> str:
    """All that a page of one row shows: its inputs, and what stands as text."""
    parts = [part for fieldset in form for line in fieldset for part in line]
    return " ".join(str(part.contents() if part.is_readonly else part.field) for part in parts)


@pytest.mark.asvs("14.2.6")
def test_a_list_shows_masks_and_offers_no_sorting_by_them(patient: Patient, page: Page) -> None:
    changes = page("view")["cl"]
    (row,) = results(changes)
    assert "Marker" not in "".join(row)
    assert "12345678" not in "".join(row)
    assert HIDDEN in row[1]
    assert "••••5678</a>" in row[2]
    assert [header["sortable"] for header in result_headers(changes)] == [True, False, False]


def test_a_list_is_searched_by_whole_values_and_an_address_that_sorts_it_is_not_heard(
    patient: Patient, page: Page
) -> None:
    assert page("view", q="1234-5678")["cl"].result_count == 1
    assert page("view", q="99")["cl"].result_count == 0
    assert page("view", o="2.-3")["cl"].result_count == 1


def test_who_may_only_view_is_shown_masks(patient: Patient, page: Page) -> None:
    text = shown_by(page("view", pk=patient.pk)["adminform"])
    assert "••••5678" in text
    assert "Dr" in text
    assert not [value for value in ("12345678", "Marker", "71") if value in text]


def test_a_form_keeps_what_needs_a_reason_and_shows_what_does_not(patient: Patient, page: Page) -> None:
    text = shown_by(page("view", "change", pk=patient.pk)["adminform"])
    assert "Ada Marker" in text
    assert "12345678" not in text
    assert "71" not in text  # declared as read-only


def test_an_admin_without_the_mixin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_admins() == []
    monkeypatch.setattr(apps, "is_installed", lambda _: True)
    plain, careful = AdminSite(), AdminSite()
    plain.register(Patient)
    careful.register(Patient, PatientAdmin)
    monkeypatch.setattr(sites, "all_sites", [plain, careful])
    (error,) = checks.check_admins()
    assert (error.id, error.obj) == ("encryption.E011", ModelAdmin)
    assert "SealedAdminMixin" in str(error.hint)
