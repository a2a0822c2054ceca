"""What rbac does when others act: a user is made, a group changes, an object goes."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save
from django.utils import timezone

from apps.rbac import memo, protection, sync
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.direct_writes import by_service
from apps.rbac.models import RoleAssignment


def connect(app_config: Any) -> None:
    user_model: Any = get_user_model()
    post_save.connect(give_default_role, sender=user_model, dispatch_uid="rbac_default_role")
    m2m_changed.connect(memo.forget, sender=user_model.groups.through, dispatch_uid="rbac_group_changed")
    post_migrate.connect(sync.after_migrate, sender=app_config, dispatch_uid="rbac_sync")
    # One model at a time: a receiver for all would end Django's fast deletes everywhere.
    for model in protection.scope_models():
        post_delete.connect(revoke_on_deleted, sender=model, dispatch_uid="rbac_object_deleted")


def give_default_role(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """Not for fixtures, which bring their own rows."""
    if created and not raw and settings.RBAC_DEFAULT_ROLE:
        assign_role_as_system(settings.RBAC_DEFAULT_ROLE, instance, reason="every new user's role")


def revoke_on_deleted(instance: models.Model, **_: Any) -> None:
    """An object that is made later under the same primary key starts with nobody's roles."""
    with by_service():
        gone = RoleAssignment.objects.live().filter(scope_key=protection.scope_key(instance))
        gone.update(revoked_at=timezone.now())
    memo.forget()
