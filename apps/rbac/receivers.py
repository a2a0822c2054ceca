"""What rbac does when others act: a user is made, changed or deleted, a group changes, an object goes."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save, pre_delete, pre_save
from django.utils import timezone

from apps.rbac import administrators, guard, membership, memo, protection, signals, sync
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.direct_writes import by_service
from apps.rbac.models import RoleAssignment

FLAGS = frozenset({"is_active", "is_superuser"})


def connect(app_config: Any) -> None:
    user_model: Any = get_user_model()
    post_save.connect(give_default_role, sender=user_model, dispatch_uid="rbac_default_role")
    pre_save.connect(watch_flags, sender=user_model, dispatch_uid="rbac_flags")
    post_save.connect(tell_superuser, sender=user_model, dispatch_uid="rbac_superuser")
    for model in (user_model, Group):
        pre_delete.connect(watch_administrators, sender=model, dispatch_uid="rbac_deleting")
        post_delete.connect(keep_administrators, sender=model, dispatch_uid="rbac_administrators")
    m2m_changed.connect(membership.changed, sender=user_model.groups.through, dispatch_uid="rbac_group_changed")
    post_migrate.connect(sync.after_migrate, sender=app_config, dispatch_uid="rbac_sync")
    # One model at a time: a receiver for all would end Django's fast deletes everywhere.
    for model in protection.scope_models():
        post_delete.connect(revoke_on_deleted, sender=model, dispatch_uid="rbac_object_deleted")


def give_default_role(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """Not for fixtures, which bring their own rows."""
    if created and not raw and settings.RBAC_DEFAULT_ROLE:
        assign_role_as_system(settings.RBAC_DEFAULT_ROLE, instance, reason="every new user's role")


def watch_flags(instance: Any, update_fields: frozenset[str] | None = None, raw: bool = False, **_: Any) -> None:
    """Before a user is saved. One query, and none when the flags are not written, as at each sign-in."""
    watched = not raw and (update_fields is None or FLAGS.intersection(update_fields))
    was = get_user_model()._default_manager.filter(pk=instance.pk).values(*FLAGS).first() if watched else {}
    instance.rbac_flags = dict.fromkeys(FLAGS, False) if was is None else was
    lost = {flag for flag, was_so in instance.rbac_flags.items() if was_so and not getattr(instance, flag)}
    if lost and administrators.includes(instance.pk):
        # Asked before the row is written: after it, without a transaction around, it would be too late.
        with guard.telling(instance), transaction.atomic():
            guard.lock_people({instance.pk})
            apart = {"without" if "is_active" in lost else "demoted": instance.pk}
            administrators.refuse_if_fewer(administrators.locked_strength(), **apart)


def tell_superuser(instance: Any, **_: Any) -> None:
    """Who becomes a superuser may do everything; Django itself tells nobody."""
    was = instance.rbac_flags
    if was and was["is_superuser"] != instance.is_superuser:
        changes = {"is_superuser": [was["is_superuser"], instance.is_superuser]}
        signals.tell(signals.superuser_changed, target=instance, changes=changes)


def watch_administrators(instance: Any, **_: Any) -> None:
    """Before a user or group is deleted with its assignments. Many may go at once: what is left is asked after it."""
    if isinstance(instance, Group):
        guard.lock(instance)
        matters = administrators.given().filter(group=instance).exists()
    else:
        guard.lock_people({instance.pk})
        matters = administrators.includes(instance.pk)
    instance.rbac_administered = administrators.locked_strength() if matters else 0


def keep_administrators(instance: Any, **_: Any) -> None:
    with guard.telling(instance):
        administrators.refuse_if_fewer(instance.rbac_administered)
    memo.forget()


def revoke_on_deleted(instance: models.Model, **_: Any) -> None:
    """An object that is made later under the same primary key starts with nobody's roles."""
    with by_service():
        gone = RoleAssignment.objects.live().filter(scope_key=protection.scope_key(instance))
        gone.update(revoked_at=timezone.now())
    memo.forget()
