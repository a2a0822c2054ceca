"""Every question that rbac asks the database. The text of those that a page asks often is in `sql`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.models import F, Lookup, Q, QuerySet

from apps.rbac import memo, protection, sessions
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import GLOBAL, registry
from apps.rbac.sql import Arms, Grantors, Sql, among, any_of, insertion, joined, marks

type Places = tuple[protection.Place, ...]

FOREVER, NEVER = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)


def grantors(permission: str, obj: models.Model | None, user_pk: Any) -> list[Grantors]:
    """Where a role may lie that grants the user the permission on `obj`, and which roles do there."""
    granting = ((place, sessions.granting(permission, place[0], user_pk)) for place in protection.places(obj))
    return [(place, slugs) for place, slugs in granting if slugs]


def rows(arms: Arms, sql: Sql) -> list[Any]:
    with arms.connection.cursor() as cursor:
        cursor.execute(sql.text, sql.bound)
        return list(cursor.fetchall())


def holds(user_pk: Any, permission: str, obj: models.Model | None) -> bool:
    """Whether a role in force or a share gives the user the permission, everywhere or on `obj`. At most one query."""
    arms = Arms(router.db_for_read(RoleAssignment), user_pk)
    ways = [*arms.roles_at("1", grantors(permission, obj, user_pk)), *shares_of(arms, "1", permission, obj)]
    return bool(ways) and bool(rows(arms, any_of(ways, "SELECT "))[0][0])


def shares_of(arms: Arms, found: str, permission: str, obj: models.Model | None) -> list[Sql]:
    if obj is None:
        return []
    return arms.shares(found, permission, type(obj), this_object(arms, obj))


def this_object(arms: Arms, obj: models.Model) -> Sql:
    return Sql("a.content_object_id = %s", (arms.adapted(type(obj), obj.pk),))


def held_among(user_pk: Any, permission: str, model: protection.AnyModel, places: Mapping[Any, Places]) -> set[Any]:
    """Primary keys of those of a model's objects on which `holds` would say yes; each with its places. One query."""
    arms = Arms(router.db_for_read(RoleAssignment), user_pk)
    kinds = {kind for each in places.values() for kind, _ in each}
    granting = {kind: sessions.granting(permission, kind, user_pk) for kind in kinds}
    slugs = {key: granting[kind] for each in places.values() for kind, key in each if granting[kind]}
    ways = []
    if slugs:
        every = tuple(dict.fromkeys(chain.from_iterable(granting.values())))
        of_role = Sql(f"a.role_id IN ({marks(len(every))})", every)
        at = joined([arms.listed("a.scope_key", slugs), of_role], " AND ")
        ways += arms.roles("a.scope_key, a.role_id", at)
    these = arms.listed("a.content_object_id", [arms.adapted(model, pk) for pk in places])
    ways += arms.shares("CAST(a.content_object_id AS text), NULL", permission, model, these)
    held = rows(arms, joined(ways, " UNION ALL ")) if ways else []
    keys = {key for key, role in held if role in slugs.get(key, ())}
    shared = {model._meta.pk.to_python(pk) for pk, role in held if role is None}
    return {pk for pk, each in places.items() if pk in shared or any(key in keys for _, key in each)}


type Ways = tuple[list[Sql], list[Sql]]  # arms that find keys of rows, and arms each of which is for all rows


class Holds(Lookup):
    """Of a row: whether the arms find its primary key. No arm is correlated with it: the database runs each once.

    A lookup, since SQLite would be asked whether another condition is 1, and then not look into an index for it.
    """

    prepare_rhs = False  # it makes the arms, once the database is known

    def __init__(self, ways: Callable[[str], Ways]) -> None:
        super().__init__(F("pk"), ways)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        arms, for_all = self.rhs(connection.alias)
        pk, _ = self.process_lhs(compiler, connection)
        held = [any_of(for_all)] if for_all else []  # first: where it is so, the database need not find the keys
        # Beside another condition PostgreSQL compares with an array one by one, and with a sub-query by its hash.
        held += [among(pk, arms, "sqlite" if for_all else connection.vendor)] if arms else []
        if not held:
            raise EmptyResultSet
        return f"({joined(held, ' OR ').text})", joined(held, "").bound


def narrowed[Row: models.Model](queryset: QuerySet[Row], user_pk: Any, permission: str) -> QuerySet[Row]:
    """The rows on which the user holds the permission: still one query, which can be filtered, counted and sliced."""
    return queryset.filter(Holds(partial(reaching_rows, protection.concrete(queryset.model), user_pk, permission)))


def reaching_rows(model: protection.AnyModel, user_pk: Any, permission: str, alias: str) -> Ways:
    """Where the request has asked whether the user holds it everywhere, the database is not asked that for each row."""
    arms = Arms(alias, user_pk)
    found = arms.roles_of_kind("a.scope_id", permission, protection.scope_type(model))
    found += arms.shares("a.content_object_id", permission, model)
    if container := protection.container_field(model):
        around = arms.roles_of_kind("a.scope_id", permission, protection.scope_type(container.related_model))
        found += [arms.contained(container, around)] if around else []
    everywhere = arms.roles_of_kind("1", permission, GLOBAL)
    known = memo.recall((user_pk, permission, protection.places(None))) if everywhere else None
    if known is None:
        return found, everywhere
    return ([], [Sql("SELECT 1")]) if known else (found, [])


def holders(permission: str, obj: models.Model | None) -> Q:
    """Who holds the permission, everywhere or on `obj`, as a condition on users. Who asks may have activated a role."""
    held = Q(Holds(partial(holding_users, permission, obj, None)))
    asking = sessions.asking()
    return held if asking is None else held | Q(Holds(partial(holding_users, permission, obj, asking)), pk=asking)


def holding_users(permission: str, obj: models.Model | None, user_pk: Any, alias: str) -> Ways:
    arms, places = Arms(alias), grantors(permission, obj, user_pk)
    # Indexes by place leave out those for everything, of which there are many: so these are asked apart.
    apart = ([each for each in places if each[0][0] == GLOBAL], [each for each in places if each[0][0] != GLOBAL])
    ways = [way for some in apart for way in arms.roles_at("{user}", some)]
    return [*ways, *shares_of(arms, "{user}", permission, obj)], []


def stored(permission: str, model: type[models.Model]) -> QuerySet[Permission]:
    app_label, codename = permission.split(".", 1)
    name = protection.concrete(model)._meta.model_name
    return Permission.objects.filter(codename=codename, content_type__app_label=app_label, content_type__model=name)


def granted(user_pk: Any, obj: models.Model | None) -> dict[str, datetime]:
    """Every permission that roles and shares give the user, everywhere or on `obj`, with the moment at which it ends.

    One query.
    """
    arms = Arms(router.db_for_read(RoleAssignment), user_pk)
    kinds = {key: kind for kind, key in protection.places(obj)}
    here = Sql(f"a.scope_key IN ({marks(len(kinds))})", tuple(kinds))
    ways = arms.roles("a.role_id, a.scope_key, a.expires_at", here)
    if obj is not None:
        ways += arms.of_both(
            protection.shares_of_model(protection.concrete(obj)), "{permission}, NULL, NULL", this_object(arms, obj)
        )
    found: dict[str, datetime] = {}
    for name, key, end in rows(arms, joined(ways, " UNION ALL ")):
        if key is None:
            found[name] = FOREVER
        elif registry.is_given_for(name, kinds[key]):
            until = FOREVER if end is None else datetime.fromisoformat(str(end))  # SQLite has it as text, in UTC
            until = until.replace(tzinfo=until.tzinfo or UTC)
            for permission in sessions.permissions_in_use(name, user_pk):
                found[permission] = max(until, found.get(permission, NEVER))
    return found


def hold(model: protection.AnyModel, keys: Collection[Any], *columns: str) -> dict[Any, Any]:
    """Lock those of the rows that are there until the transaction ends; what the columns say now, by primary key."""
    arms = Arms(router.db_for_write(model))
    found = rows(arms, arms.locking(model, keys, columns)) if keys else []
    return {model._meta.pk.to_python(pk): said for pk, *said in found}


def add(row: RoleAssignment) -> bool:
    """Insert the assignment, or return False: one for the same user or group, role and place is there, not revoked."""
    connection = connections[router.db_for_write(RoleAssignment)]
    values = [each.get_db_prep_save(each.pre_save(row, add=True), connection) for each in row._meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute(insertion(connection.alias), values)
        row._state.adding, row._state.db = False, connection.alias
        return bool(cursor.rowcount)


def members(groups: Iterable[Any] | QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    return get_user_model()._default_manager.filter(groups__in=groups).values_list("pk", flat=True)
