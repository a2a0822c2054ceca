"""Shares: single permissions on one object, given by who may share it to another user or to a group.

share(by=request.user, obj=document, to=colleague, permissions=["view", "change"])
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet

from apps.rbac import grants, guard, protection, queries, signals
from apps.rbac.errors import NotGrantable
from apps.rbac.grants import Grant, name_of
from apps.rbac.guard import Principal, principal
from apps.rbac.queries import FOREVER

type Names = str | Iterable[str]  # "change", "app.change_model", or several


def share(by: AbstractBaseUser, obj: models.Model, to: Principal, permissions: Names, reason: str = "") -> list[str]:
    """Give `to` the permissions on `obj`, and return those that were new to it.

    Raises GrantRefused: `by` needs the permission to share `obj` and each one that he gives, all without an end, as a
    share has none; not to himself or a group he is in; not to an inactive account.
    """
    wanted = full_names(obj, permissions)
    with guard.granting(by, to, obj, permissions=sorted(wanted)) as change:
        rows = share_rows(obj, to, wanted)
        change.refuse_unless_allowed(wanted, FOREVER, is_role=False)
        new = sorted(wanted - names(rows))
        for name in new:
            permission = queries.stored(name, type(obj)).get()
            rows.create(**principal(to), content_object=obj, permission=permission, granted_by=by, reason=reason)
        if new:
            tell(signals.share_granted, obj, to, new, reason)
    return new


def unshare(
    by: AbstractBaseUser, obj: models.Model, to: Principal, permissions: Names | None = None, reason: str = ""
) -> list[str]:
    """Take the permissions (all, if none is named) on `obj` from `to`, and return those that it had.

    Raises GrantRefused as `share` does; an inactive account can be taken from.
    """
    wanted = None if permissions is None else full_names(obj, permissions)
    with guard.granting(by, to, obj, permissions=sorted(wanted or ["all"])) as change:
        rows = share_rows(obj, to, wanted)
        taken = names(rows)
        change.refuse_unless_allowed(taken, is_role=False)
        rows.delete()
        if taken:
            tell(signals.share_revoked, obj, to, sorted(taken), reason)
    return sorted(taken)


def shares_of(obj: models.Model) -> list[Grant]:
    """Whom the object was shared with: users first, each by name. Two queries."""
    return sorted(grants.shared(obj=obj), key=lambda each: (each.to_group, str(each.to)))


def full_names(obj: models.Model, permissions: Names) -> frozenset[str]:
    given = [permissions] if isinstance(permissions, str) else permissions
    return frozenset(protection.permission_of(obj, name) for name in given)


def share_rows(obj: models.Model, to: Principal, wanted: frozenset[str] | None) -> QuerySet[Any]:
    """The shares of `obj` with `to`, of the wanted permissions or all. Raises NotGrantable."""
    user_share, group_share = protection.shares_of_model(protection.concrete(obj))
    model = group_share if isinstance(to, Group) else user_share
    if model is None:
        raise NotGrantable(f"A {obj._meta.verbose_name} can't be shared.")
    if foreign := (wanted or frozenset()) - protection.permissions_on(protection.concrete(obj)):
        raise NotGrantable(f"A {obj._meta.verbose_name} has no permission {', '.join(sorted(foreign))}.")
    rows: QuerySet[Any] = model.objects.filter(**principal(to), content_object=obj.pk)
    if wanted is None:
        return rows
    return rows.filter(permission__codename__in=[name.partition(".")[2] for name in wanted])


def names(rows: QuerySet[Any]) -> frozenset[str]:
    return frozenset(map(name_of, rows.select_related("permission__content_type")))


def tell(signal: Any, obj: models.Model, to: Principal, permissions: list[str], reason: str) -> None:
    signals.tell(signal, target=obj, reason=reason, to=to, permissions=permissions)
