"""Every question that rbac asks the database; the only module of the app with SQL of its own.

The one about a single object is asked many times a request, so it is written by hand: one round trip, and a third of
the time that the ORM takes to build the same. Its text depends on the models and on how many values are bound, and
on nothing that a user can send: names come quoted from model meta, values are bound.
"""

from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Q, QuerySet

from apps.rbac import protection
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import GLOBAL, registry

FOREVER, NEVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)

# The database's clock, as django.db.models.functions.Now writes it.
NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"}


def holds(user_pk: Any, permission: str, obj: models.Model | None) -> bool:
    """Whether a role in force or a share gives the user the permission, everywhere or on `obj`. At most one query."""
    connection = connections[router.db_for_read(RoleAssignment)]
    pairs = [(key, slug) for kind, key in protection.places(obj) for slug in registry.granting(permission, kind)]
    keys = list(dict.fromkeys(key for key, _ in pairs))
    shares = shares_with(permission, obj)
    sql = held_sql(connection.alias, len(keys), len(pairs), shares)
    if not sql:
        return False
    user = adapted(get_user_model(), user_pk, connection)
    bound = 2 * [user, *keys, *chain.from_iterable(pairs)] if pairs else []
    if obj is not None:
        share_values = [user, adapted(type(obj), obj.pk, connection), *named(permission, obj)]
        bound += sum(model is not None for model in shares) * share_values
    with connection.cursor() as cursor:
        cursor.execute(sql, bound)
        return bool(cursor.fetchone()[0])


def shares_with(permission: str, obj: models.Model | None) -> "protection.Shares":
    """The share tables in which the permission may stand: those of its own model."""
    if obj is None or permission not in protection.permissions_on(protection.concrete(obj)):
        return (None, None)
    return protection.shares_for(obj)


def named(permission: str, obj: models.Model) -> tuple[str, str, str]:
    app_label, codename = permission.split(".", 1)
    return codename, app_label, protection.concrete(obj)._meta.model_name or ""


def adapted(model: type[models.Model], pk: Any, connection: BaseDatabaseWrapper) -> Any:
    """A primary key as the database stores it: SQLite has UUIDs as text."""
    field = model._meta.pk
    return field.get_db_prep_value(field.to_python(pk), connection, prepared=False)


@cache
def held_sql(alias: str, keys: int, pairs: int, shares: "protection.Shares") -> str:
    """One EXISTS for each way to hold a permission; empty where there is none."""
    connection = connections[alias]
    arms = [user_role(connection, keys, pairs), group_role(connection, keys, pairs)] if pairs else []
    user_share, group_share = shares
    if user_share:
        arms.append(shared_with_user(connection, user_share))
    if group_share:
        arms.append(shared_with_group(connection, group_share))
    return "SELECT " + " OR ".join(f"EXISTS ({arm})" for arm in arms) if arms else ""


def user_role(connection: BaseDatabaseWrapper, keys: int, pairs: int) -> str:
    names = Names(connection)
    return (
        f"SELECT 1 FROM {names.table(RoleAssignment)} a "  # noqa: S608 - names from model meta, quoted
        f"WHERE a.{names.column(RoleAssignment, 'user')} = %s AND {in_force(connection, keys, pairs)}"
    )


def group_role(connection: BaseDatabaseWrapper, keys: int, pairs: int) -> str:
    names = Names(connection)
    return (
        f"SELECT 1 FROM {names.table(RoleAssignment)} a JOIN {names.membership} m "  # noqa: S608 - as above
        f"ON m.{names.member_of} = a.{names.column(RoleAssignment, 'group')} "
        f"WHERE m.{names.member} = %s AND {in_force(connection, keys, pairs)}"
    )


def in_force(connection: BaseDatabaseWrapper, keys: int, pairs: int) -> str:
    """As `AssignmentQuerySet.in_force`. The list of keys is there for the index, the pairs decide."""
    names, now = Names(connection), NOW[connection.vendor]
    columns = ("scope_key", "role", "revoked_at", "starts_at", "expires_at")
    key, role, revoked, starts, expires = (f"a.{names.column(RoleAssignment, field)}" for field in columns)
    return (
        f"{key} IN ({placeholders(keys)}) AND ({key}, {role}) IN ({', '.join(pairs * ['(%s, %s)'])}) "
        f"AND {revoked} IS NULL AND ({starts} IS NULL OR {starts} <= {now}) "
        f"AND ({expires} IS NULL OR {expires} > {now})"
    )


def shared_with_user(connection: BaseDatabaseWrapper, share: type[models.Model]) -> str:
    names = Names(connection)
    return (
        f"SELECT 1 FROM {names.table(share)} s {names.join_permission(share)} "  # noqa: S608 - as above
        f"WHERE s.{names.column(share, 'user')} = %s AND {on_object(connection, share)}"
    )


def shared_with_group(connection: BaseDatabaseWrapper, share: type[models.Model]) -> str:
    names = Names(connection)
    return (
        f"SELECT 1 FROM {names.table(share)} s {names.join_permission(share)} "  # noqa: S608 - as above
        f"JOIN {names.membership} m ON m.{names.member_of} = s.{names.column(share, 'group')} "
        f"WHERE m.{names.member} = %s AND {on_object(connection, share)}"
    )


def on_object(connection: BaseDatabaseWrapper, share: type[models.Model]) -> str:
    names = Names(connection)
    return (
        f"s.{names.column(share, 'content_object')} = %s AND p.{names.column(Permission, 'codename')} = %s "
        f"AND c.{names.column(ContentType, 'app_label')} = %s AND c.{names.column(ContentType, 'model')} = %s"
    )


def placeholders(count: int) -> str:
    return ", ".join(count * ["%s"])


class Names:
    """Quoted names of tables and columns."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.quote = connection.ops.quote_name
        groups: Any = get_user_model()._meta.get_field("groups")
        self.membership = self.quote(groups.m2m_db_table())
        self.member = self.quote(groups.m2m_column_name())
        self.member_of = self.quote(groups.m2m_reverse_name())

    def table(self, model: type[models.Model]) -> str:
        return self.quote(model._meta.db_table)

    def column(self, model: type[models.Model], field: str) -> str:
        found: Any = model._meta.get_field(field)
        return self.quote(found.column)

    def join_permission(self, share: type[models.Model]) -> str:
        return (
            f"JOIN {self.table(Permission)} p "
            f"ON p.{self.column(Permission, 'id')} = s.{self.column(share, 'permission')} "
            f"JOIN {self.table(ContentType)} c "
            f"ON c.{self.column(ContentType, 'id')} = p.{self.column(Permission, 'content_type')}"
        )


def narrowed[Row: models.Model](queryset: QuerySet[Row], user_pk: Any, permission: str) -> QuerySet[Row]:
    """The rows on which the user holds the permission: still one query, which can be filtered, counted and sliced."""
    model = queryset.model
    container = protection.container_field(model)
    reached = Q(pk__in=objects_reached(model, user_pk, permission))
    if container:
        kind_of_container = protection.scope_type(container.related_model)
        arms = roles_at(user_pk, permission, kind_of_container)
        reached |= Q(**{f"{container.attname}__in": united([arm.values("scope_id") for arm in arms])})
    for arm in roles_at(user_pk, permission, GLOBAL):
        reached |= Q(Exists(arm))
    return queryset.filter(reached)


def objects_reached(model: type[models.Model], user_pk: Any, permission: str) -> QuerySet[Any, Any]:
    """Primary keys of the objects on which a role or a share gives the permission."""
    arms = [arm.values("scope_id") for arm in roles_at(user_pk, permission, protection.scope_type(model))]
    return united([*arms, *(arm.values("content_object_id") for arm in shares_of(model, user_pk, permission))])


def roles_at(user_pk: Any, permission: str, kind: str) -> list[QuerySet[RoleAssignment]]:
    """Assignments in force of one scope type that grant the permission: to the user, and to the user's groups."""
    slugs = registry.granting(permission, kind)
    granting = RoleAssignment.objects.in_force().filter(scope_type=kind, role__in=slugs)
    return [granting.filter(user=user_pk), granting.filter(group__user=user_pk)]


def shares_of(model: type[models.Model], user_pk: Any, permission: str) -> list[QuerySet[Any]]:
    if permission not in protection.permissions_on(protection.concrete(model)):
        return []
    user_share, group_share = protection.shares_for(model)
    arms = []
    if user_share:
        arms.append(user_share.objects.filter(permission__in=stored(permission, model), user=user_pk))
    if group_share:
        arms.append(group_share.objects.filter(permission__in=stored(permission, model), group__user=user_pk))
    return arms


def stored(permission: str, model: type[models.Model]) -> QuerySet[Permission]:
    app_label, codename = permission.split(".", 1)
    return Permission.objects.filter(
        codename=codename,
        content_type__app_label=app_label,
        content_type__model=protection.concrete(model)._meta.model_name,
    )


def united(arms: list[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    first, *rest = arms
    return first.union(*rest, all=True)


def granted(user_pk: Any, obj: models.Model | None) -> dict[str, datetime]:
    """Every permission that roles and shares give the user, everywhere or on `obj`, with the moment at which it ends.

    One query; three on an object.
    """
    kinds = {key: kind for kind, key in protection.places(obj)}
    mine = RoleAssignment.objects.in_force().filter(
        Q(user=user_pk) | Q(group__in=Group.objects.filter(user=user_pk)), scope_key__in=kinds
    )
    found: dict[str, datetime] = {}
    for slug, key, end in mine.values_list("role", "scope_key", "expires_at"):
        if registry.is_given_for(slug, kinds[key]):
            for permission in registry.permissions(slug):
                found[permission] = max(end or FOREVER, found.get(permission, NEVER))
    if obj is not None:
        user_share, group_share = protection.shares_for(obj)
        shared = [user_share.objects.filter(user=user_pk)] if user_share else []
        shared += [group_share.objects.filter(group__user=user_pk)] if group_share else []
        for arm in shared:
            rows = arm.filter(content_object=obj.pk).values_list(
                "permission__content_type__app_label", "permission__codename"
            )
            found |= {f"{app_label}.{codename}": FOREVER for app_label, codename in rows}
    return found


def holders(permission: str, obj: models.Model | None) -> Q:
    """Who holds the permission, everywhere or on `obj`, as a condition on users."""
    assigned = Q(pk__in=[])
    for kind, key in protection.places(obj):
        slugs = registry.granting(permission, kind)
        here = RoleAssignment.objects.in_force().filter(scope_key=key, role__in=slugs)
        assigned |= Q(pk__in=here.exclude(user=None).values("user"))
        assigned |= Q(pk__in=members(here.exclude(group=None).values("group")))
    user_share, group_share = shares_with(permission, obj)
    if obj is not None and user_share:
        given = user_share.objects.filter(permission__in=stored(permission, type(obj)), content_object=obj.pk)
        assigned |= Q(pk__in=given.values("user"))
    if obj is not None and group_share:
        given = group_share.objects.filter(permission__in=stored(permission, type(obj)), content_object=obj.pk)
        assigned |= Q(pk__in=members(given.values("group")))
    return assigned


def members(groups: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    return get_user_model()._default_manager.filter(groups__in=groups).values("pk")
