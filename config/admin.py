"""The admin of users, which joins accounts and rbac: they do not know each other."""

from django.contrib import admin

from apps.accounts.models import User
from apps.rbac.admin import LockedUserAdmin


@admin.register(User)
class UserAdmin(LockedUserAdmin):
    profile = ("name",)
    list_display = ("email", "name", "is_active", "is_superuser")
    search_fields = ("email", "name")
