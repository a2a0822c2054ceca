"""A protected model and one with an encrypted field, as an adopter would register them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.encryption.admin import SealedAdminMixin
from apps.rbac.admin_site import RBACModelAdmin
from tests.testapp.models import Document, Folder, Patient


@admin.action(description="Mark as old")
def mark_as_old(model_admin: Any, request: HttpRequest, queryset: Any) -> None:
    """Says nothing of permissions, as most do."""
    queryset.update(title="old")


@admin.register(Document)
class DocumentAdmin(RBACModelAdmin):
    list_display = ("title", "folder")
    actions = (mark_as_old,)


admin.site.register(Folder)


@admin.register(Patient)
class PatientAdmin(SealedAdminMixin, RBACModelAdmin):
    pass
