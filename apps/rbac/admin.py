"""What rbac itself shows in the admin: assignments, to read; groups; and the base for an admin of users.

Nobody gains rights here that the services would not give him: flags and groups are for who manages roles, never for
oneself, and membership changes pass the guard. `user_permissions`, `Group.permissions` and passwords are not shown.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from apps.rbac import administrators, decisions, guard, membership
from apps.rbac.admin_site import RBACModelAdmin
from apps.rbac.models import RoleAssignment

PRIVILEGES = ("is_active", "is_superuser", "groups")


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(RBACModelAdmin):
    offers = frozenset({"view"})  # only services write them
    list_display = ("role", "user", "group", "scope_key", "expires_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("role", "user", "group")


@admin.register(Group)
class GroupAdmin(RBACModelAdmin):
    offers = frozenset({"add", "change", "view"})  # with a group its roles and shares would end for all members at once
    fields = ("name",)
    search_fields = ("name",)


class LockedUserAdmin(RBACModelAdmin):
    """`identity`: fields by which an account is known, set when it is made. Who could change another's email address
    could have its password reset to himself, so that is the owner's, on his own pages.
    """

    offers = frozenset({"add", "change", "view"})  # accounts are deactivated: what they did stays theirs
    identity: ClassVar[tuple[str, ...]] = ("email",)
    profile: ClassVar[tuple[str, ...]] = ()
    filter_horizontal = ("groups",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.identity, *self.profile, *(PRIVILEGES if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        manages = all(decisions.check(request.user, name) for name in (administrators.MANAGE, guard.BIND))
        return self.identity if manages and obj.pk != request.user.pk else (*self.identity, *PRIVILEGES)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()  # the owner chooses one by a mailed link
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Each group on its own, by the guard. What it refuses ends the request, and with it what else was changed."""
        by: Any = request.user
        user, wanted = form.instance, form.cleaned_data.pop("groups", None)
        if wanted is not None:
            held = set(user.groups.all())
            for group in held ^ set(wanted):
                change_membership = membership.leave_group if group in held else membership.join_group
                change_membership(by, user, group)
        super().save_related(request, form, formsets, change)
