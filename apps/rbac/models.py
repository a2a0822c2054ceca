"""Where rights are kept: assignments of roles in one table, shares of single objects in two for each protected model.

What a protected model declares (its primary key is a UUID):

    class Document(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
        folder = models.ForeignKey(Folder, models.CASCADE)
        rbac_container = "folder"       # optional: roles given for a folder reach its documents
        objects = ScopedQuerySet.as_manager()

        class Meta:
            permissions = [("share_document", "Can share document")]

    class DocumentUserShare(UserShare):
        content_object = models.ForeignKey(Document, models.CASCADE)

    class DocumentGroupShare(GroupShare):
        content_object = models.ForeignKey(Document, models.CASCADE)

The direct foreign key lets the database drop shares with their object, so none is left for a later one to inherit.
"""

from typing import Any, ClassVar, Self

import uuid_utils.compat
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from guardian.managers import BaseObjectPermissionManager
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from apps.rbac.direct_writes import GuardedModel, GuardedQuerySet
from apps.rbac.errors import DirectGrantError

USER = settings.AUTH_USER_MODEL
UNCHANGED = "An assignment is never changed. Revoke it and give another."
REVOKING = {"revoked_at", "revoked_by"}


class DeclaredRole(models.Model):
    """A role as the code declared it at the last migrate: for foreign keys, reports and the difference to the next.

    Decisions read the code, not this table: a row changed here grants nothing.
    """

    slug = models.CharField(primary_key=True, max_length=100)
    label = models.CharField(max_length=100)
    app_label = models.CharField(max_length=100)
    scope_type = models.CharField(max_length=200, blank=True)
    permissions = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.label


class AssignmentQuerySet(GuardedQuerySet["RoleAssignment"]):
    def live(self) -> Self:
        """Not revoked; it may have expired, or not have begun."""
        return self.filter(revoked_at=None)

    def unended(self) -> Self:
        """In force now or later, unless somebody revokes it before."""
        return self.live().filter(Q(expires_at=None) | Q(expires_at__gt=Now()))

    def in_force(self) -> Self:
        """Granting now, by the database's clock: servers whose clocks differ agree."""
        return self.unended().filter(Q(starts_at=None) | Q(starts_at__lte=Now()))

    def holders(self) -> Q:
        """Who was given one of these, himself or by a group: as a condition on users."""
        members = get_user_model()._default_manager.filter(groups__in=self.exclude(group=None).values("group"))
        return Q(pk__in=self.exclude(user=None).values("user")) | Q(pk__in=members.values("pk"))

    def update(self, **kwargs: Any) -> int:
        """Raises DirectGrantError for all but the stamp of a revocation, by services too."""
        if kwargs.keys() - REVOKING or kwargs.get("revoked_at") is None:
            raise DirectGrantError(UNCHANGED)
        return super().update(**kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise DirectGrantError(UNCHANGED)

    def bulk_create(self, *args: Any, update_conflicts: bool = False, **kwargs: Any) -> list["RoleAssignment"]:
        if update_conflicts:
            raise DirectGrantError(UNCHANGED)
        return super().bulk_create(*args, **kwargs)


def held_by(user: Any) -> Q:
    """Of assignments: given to the user, or to a group he is in."""
    return Q(user=user.pk) | Q(group__in=Group.objects.filter(user=user.pk))


class RoleAssignment(GuardedModel):
    """A role given to a user or a group, for everything, a container or an object. Never changed: revoking stamps it.

    `role_id` is the slug itself, so that a decision needs no join. `scope_key` ("" or "app.model:pk") answers the
    question about one object, the typed `scope_id` gives lists their sub-query.
    """

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    user = models.ForeignKey(USER, models.CASCADE, null=True, db_index=False, related_name="role_assignments")
    group = models.ForeignKey(Group, models.CASCADE, null=True, db_index=False, related_name="role_assignments")
    role = models.ForeignKey(DeclaredRole, models.PROTECT, db_index=False, related_name="assignments")
    scope_type = models.CharField(max_length=200, blank=True)
    scope_id = models.UUIDField(null=True)
    scope_key = models.CharField(max_length=250, blank=True)
    starts_at = models.DateTimeField(null=True, help_text="Nothing: at once.")
    expires_at = models.DateTimeField(null=True, help_text="Nothing: until it is revoked.")
    granted_by = models.ForeignKey(USER, models.SET_NULL, null=True, db_index=False, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(USER, models.SET_NULL, null=True, db_index=False, related_name="+")

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("bind_role", "Can give roles that grant more than one holds"),
            ("manage", "Can give and take roles"),
            ("use_admin", "Can open the administration pages"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="rbac_assignment_has_one_principal",
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
            ),
            models.CheckConstraint(
                name="rbac_assignment_scope_is_whole",
                condition=Q(scope_key="", scope_type="", scope_id__isnull=True)
                | (~Q(scope_key="") & ~Q(scope_type="") & Q(scope_id__isnull=False)),
            ),
            *(
                models.UniqueConstraint(
                    name=f"rbac_one_live_assignment_{holder}",
                    fields=[holder, "role", "scope_key"],
                    condition=Q(**{f"{holder}__isnull": False, "revoked_at__isnull": True}),
                )
                for holder in ("user", "group")
            ),
        ]
        # About one object the unique ones above answer; for lists these, without a look at the table. All are partial:
        # an all-NULL column misleads SQLite's planner (15 ms instead of 0.05 for a check).
        indexes: ClassVar = [
            *(
                models.Index(
                    name=f"rbac_held_by_{holder}",
                    fields=[holder, "role", "scope_type", "scope_id", "starts_at", "expires_at"],
                    condition=Q(**{f"{holder}__isnull": False, "revoked_at__isnull": True}),
                )
                for holder in ("user", "group")
            ),
            models.Index(
                name="rbac_held_everywhere", fields=["role"], condition=Q(scope_key="", revoked_at__isnull=True)
            ),
            models.Index(name="rbac_assignment_scope", fields=["scope_key"], condition=~Q(scope_key="")),
            models.Index(name="rbac_assignment_expiry", fields=["expires_at"], condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} for {self.user or self.group}" + (f" on {self.scope_key}" if self.scope_key else "")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises DirectGrantError outside of the services, and for a row that exists: revoke it and give another."""
        if not self._state.adding:
            raise DirectGrantError(UNCHANGED)
        super().save(*args, **kwargs)


class ShareManager(BaseObjectPermissionManager.from_queryset(GuardedQuerySet)):  # type: ignore[misc] # guardian has no types
    """Guardian's own manager, whose `assign_perm` and the like end in DirectGrantError."""


class Share(GuardedModel):
    """One permission on one object: who gave it, when and why."""

    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    granted_by = models.ForeignKey(USER, models.SET_NULL, null=True, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)

    objects = ShareManager()

    class Meta:
        abstract = True
        default_permissions = ()


class UserShare(Share, UserObjectPermissionBase):  # type: ignore[misc] # guardian has no types
    class Meta(Share.Meta):
        abstract = True
        unique_together: ClassVar = [("user", "permission", "content_object")]


class GroupShare(Share, GroupObjectPermissionBase):  # type: ignore[misc] # guardian has no types
    class Meta(Share.Meta):
        abstract = True
        unique_together: ClassVar = [("group", "permission", "content_object")]
