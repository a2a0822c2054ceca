"""The one place that decides. All that it offers answers alike, and a property test holds it to that.

Nobody who is anonymous or inactive holds anything. A role or share held everywhere holds on each object. A name that
no model declares is an error for superusers too, whom Django would let pass.
"""

import logging
from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404

from apps.rbac import memo, protection, queries, signals
from apps.rbac.errors import AccessRefused, UnknownPermission

logger = logging.getLogger(__name__)

type AnyUser = AbstractBaseUser | AnonymousUser


def check(user: AnyUser, permission: str, obj: models.Model | None = None) -> bool:
    """Whether the user holds the permission: on `obj`, or everywhere. One query, none when asked again in a request.

    The container of `obj` is the one that the instance in memory names: ask before a form changes it.
    Raises UnknownPermission with RBAC_RAISE_ON_UNKNOWN.
    """
    if (settled := decided_without_rows(user, permission)) is not None:
        return settled
    key = question(user, permission, obj)
    known = memo.recall(key)
    return memo.remember(key, queries.holds(user.pk, permission, obj)) if known is None else known


def require(user: AnyUser, permission: str, obj: models.Model | None = None) -> None:
    """Raises AccessRefused (403); or Http404 for an object that the user may not even view, as if it were not there."""
    if check(user, permission, obj):
        return
    visible = obj is None or check(user, protection.permission_of(obj, "view"), obj)
    refuse(permission, obj, "The permission is missing." if visible else "The object may not even be viewed.")
    if visible:
        raise AccessRefused("You may not do this.", (permission,), obj)
    raise Http404("There is nothing here.")


def refuse(permission: str, obj: models.Model | None, reason: str) -> None:
    """Tell about a refusal. The caller raises."""
    signals.tell(signals.access_refused, target=obj, outcome="denied", reason=reason, permission=permission)


def check_many(user: AnyUser, permission: str, objects: Iterable[models.Model]) -> set[Any]:
    """Primary keys of those of the objects, all of one model, on which the user holds the permission. One query."""
    wanted = list(objects)
    if not wanted:
        return set()
    model = protection.concrete(wanted[0])
    if any(protection.concrete(obj) is not model for obj in wanted):
        raise ValueError("check_many takes objects of one model.")
    if (settled := decided_without_rows(user, permission)) is not None:
        return {obj.pk for obj in wanted if settled}
    places = {obj.pk: protection.places(obj) for obj in wanted}
    allowed = queries.held_among(user.pk, permission, model, places)
    for pk, where in places.items():
        memo.remember((user.pk, permission, where), pk in allowed)
    return allowed


def scoped[Row: models.Model](queryset: QuerySet[Row], user: AnyUser, permission: str) -> QuerySet[Row]:
    """The rows on which the user holds the permission, as a queryset that can be filtered on. Runs no query itself."""
    settled = decided_without_rows(user, permission)
    if settled is None:
        return queries.narrowed(queryset, user.pk, permission)
    return queryset.all() if settled else queryset.none()


def who_can(
    permission: str, obj: models.Model | None = None, *, is_active: bool | None = True, include_superusers: bool = True
) -> QuerySet[Any]:
    """Users who hold the permission: on `obj`, or everywhere. As a queryset; runs no query itself.

    With other values of `is_active` inactive ones are listed as those who would: they hold nothing.
    """
    users = get_user_model()._default_manager.all()
    if not is_known(permission):
        return users.none()
    held = users.filter(holding(permission, obj, include_superusers))
    return held if is_active is None else held.filter(is_active=is_active)


def holding(permission: str, obj: models.Model | None, include_superusers: bool = True) -> Q:
    """Who holds the permission, or would if the account were active, as a condition on users."""
    held = queries.holders(permission, obj)
    return held | Q(is_superuser=True) if include_superusers and settings.RBAC_SUPERUSER else held


def permissions_of(user: AnyUser, obj: models.Model | None = None) -> set[str]:
    """Every permission that the user holds: on `obj`, or everywhere."""
    if not may_act(user):
        return set()
    return set(protection.known_permissions() if is_superuser(user) else queries.granted(user.pk, obj))


def decided_without_rows(user: AnyUser, permission: str) -> bool | None:
    if not may_act(user) or not is_known(permission):
        return False
    return True if is_superuser(user) else None


def may_act(user: AnyUser) -> bool:
    return bool(user.is_authenticated and user.is_active)


def is_superuser(user: AnyUser) -> bool:
    return bool(settings.RBAC_SUPERUSER and getattr(user, "is_superuser", False))


def is_known(permission: str) -> bool:
    if permission in protection.known_permissions():
        return True
    if settings.RBAC_RAISE_ON_UNKNOWN:
        raise UnknownPermission(f"No installed model declares the permission {permission!r}. Is it misspelled?")
    logger.error("refused: no model declares the permission %r", permission)
    return False


def question(user: AnyUser, permission: str, obj: models.Model | None) -> tuple[Any, ...]:
    return user.pk, permission, protection.places(obj)


# In a thread: who asks may be a lazy `request.user`, and Django's database drivers have no other way. What `scoped` and
# `who_can` give needs no twin: `async for`, `acount` and the like run its query.
acheck = sync_to_async(check)
acheck_many = sync_to_async(check_many)
apermissions_of = sync_to_async(permissions_of)
arequire = sync_to_async(require)
