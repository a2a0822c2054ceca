"""Groups: who joins one gets its roles and shares, who leaves loses them. So the rules of granting hold here too.

`join_group` and `leave_group` are for pages. Whatever else edits `user.groups` (an admin form, a sign-on that brings
its groups along) passes the receivers below: separation of duty, the last administrator, and the telling of it.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group

from apps.rbac import administrators, constraints, guard, memo, queries, signals
from apps.rbac.queries import FOREVER

type Pairs = list[tuple[Any, Any]]  # primary keys of a user and of a group


def join_group(by: AbstractBaseUser, user: AbstractBaseUser, group: Group) -> None:
    """Raises GrantRefused: it takes "rbac.manage" and "rbac.bind_role" for good, as all that the group has is given."""
    with guard.granting(by, user, group, group=str(group)) as change:
        change.refuse_unless_allowed(frozenset({guard.BIND}), FOREVER)
        group.user_set.add(user)  # type: ignore[arg-type] # the user model


def leave_group(by: AbstractBaseUser, user: AbstractBaseUser, group: Group) -> None:
    """Raises GrantRefused, as `join_group` does, and LastAdministrator."""
    with guard.granting(by, user, group, group=str(group)) as change:
        change.refuse_unless_allowed(frozenset({guard.BIND}))
        group.user_set.remove(user)  # type: ignore[arg-type] # the user model


def changed(instance: Any, action: str, reverse: bool, pk_set: set[Any] | None = None, **_: Any) -> None:
    """Receiver of m2m_changed, which Django sends inside of a transaction: what is refused here is not written.

    `reverse`: the change comes from the group's side. No `pk_set`: all are taken out.
    """
    with guard.telling(instance):
        if action.startswith("pre_"):
            related = instance.user_set if reverse else instance.groups
            keys = related.values_list("pk", flat=True) if pk_set is None else pk_set
            before(instance, action, [(pk, instance.pk) if reverse else (instance.pk, pk) for pk in keys])
        else:
            after(instance, action)
    memo.forget()


def before(instance: Any, action: str, pairs: Pairs) -> None:
    instance.rbac_pairs, instance.rbac_administered = pairs, 0
    groups = {group for _, group in pairs}
    if action != "pre_add":
        if administrators.given().filter(group__in=groups).exists():
            instance.rbac_administered = administrators.locked_strength()
    elif constraints.bearing_on_ssd():
        queries.hold(Group, groups)
        guard.lock_people({user for user, _ in pairs})


def after(instance: Any, action: str) -> None:
    administrators.refuse_if_fewer(instance.rbac_administered)
    if action == "post_add":
        constraints.refuse_conflicts({user for user, _ in instance.rbac_pairs})
    tell(signals.group_joined if action == "post_add" else signals.group_left, instance.rbac_pairs)


def tell(signal: Any, pairs: Pairs) -> None:
    users = get_user_model()._default_manager.in_bulk({user for user, _ in pairs})
    groups = Group.objects.in_bulk({group for _, group in pairs})
    for user_pk, group_pk in pairs:
        user, group = users.get(user_pk), groups.get(group_pk)
        signals.tell(signal, target=user, to=str(user), group=str(group))
