"""The SQL of rbac's questions, which `queries` asks: the only text of its kind in the app.

By hand, because the ORM takes longer to build these than the database to answer them. A text depends on the models and
on which roles grant what, on nothing that a user can send: names come quoted from model meta, values are bound. Each
way to hold a permission is one *arm*; check, page, list and holders are made of the same arms, so that none differs.
"""

import json
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, models
from django.db.models.sql import InsertQuery

from apps.rbac import protection, sessions
from apps.rbac.models import RoleAssignment

# The database's clock, as django.db.models.functions.Now writes it.
NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"}
# As `AssignmentQuerySet.in_force`.
IN_FORCE = (
    "a.revoked_at IS NULL AND (a.starts_at IS NULL OR a.starts_at <= {now}) "
    "AND (a.expires_at IS NULL OR a.expires_at > {now})"
)
# Among what arms find. PostgreSQL can ask an index for the values of an array; it sorts them for that, which takes half
# of the time of a list if they do not come in order: from an index each arm's do, so that they are merged.
AMONG = {"postgresql": ("({} ORDER BY 1)", " ORDER BY 1", "{} = ANY(ARRAY({}))"), "sqlite": ("{}", "", "{} IN ({})")}
# What is contained in what arms find. SQLite would rather read the whole table, were it not told what to begin with.
CONTAINED = {
    "postgresql": "SELECT o.{pk} FROM {table} o WHERE o.{column} = ANY(ARRAY({found}))",
    "sqlite": "SELECT o.{pk} FROM ({found}) a CROSS JOIN {table} o WHERE o.{column} = a.scope_id",
}
# Among values of which there may be hundreds: one parameter, so that the text is the same and stays prepared.
LISTED = {"postgresql": "{} = ANY(%s)", "sqlite": "{} IN (SELECT value FROM json_each(%s))"}

type Grantors = tuple[protection.Place, tuple[str, ...]]  # where an assignment may lie, and the roles that then grant


class Sql(NamedTuple):
    text: str
    bound: tuple[Any, ...] = ()


def joined(parts: Iterable[Sql], by: str) -> Sql:
    listed = list(parts)
    return Sql(by.join(part.text for part in listed), tuple(value for part in listed for value in part.bound))


class Arms:
    """How somebody may have come by a permission, in the SQL of one database. `user_pk` None: of everybody."""

    def __init__(self, alias: str, user_pk: Any = None) -> None:
        self.connection = connections[alias]
        self.names = names_in(alias)
        self.user_pk = user_pk
        self.user = None if user_pk is None else self.adapted(get_user_model(), user_pk)

    def adapted(self, model: type[models.Model], pk: Any) -> Any:
        """A primary key as the database stores it: SQLite has UUIDs as text."""
        field = model._meta.pk
        return field.get_db_prep_value(field.to_python(pk), self.connection, prepared=False)

    def roles(self, found: str, where: Sql) -> list[Sql]:
        """Of assignments in force under a condition; {user} in `found` is who has the role."""
        in_force = Sql(f"{where.text} AND {self.names['in_force']}", where.bound)
        return self.of_both((RoleAssignment, RoleAssignment), found, in_force)

    def roles_at(self, found: str, grantors: list[Grantors]) -> list[Sql]:
        """Of assignments at those places. The lists of keys and of roles are there for the index, the pairs decide."""
        pairs = [(key, slug) for (_, key), slugs in grantors for slug in slugs]
        if not pairs:
            return []
        keys, slugs = (tuple(dict.fromkeys(either)) for either in zip(*pairs, strict=True))
        text = f"a.scope_key IN ({marks(len(keys))}) AND a.role_id IN ({marks(len(slugs))})"
        text += f" AND (a.scope_key, a.role_id) IN ({', '.join(len(pairs) * ['(%s, %s)'])})"
        if keys == ("",) or "" not in keys:
            text += f" AND {'' if keys == ('',) else 'NOT '}(a.scope_key = '')"  # as the partial index for it says
        return self.roles(found, Sql(text, (*keys, *slugs, *chain.from_iterable(pairs))))

    def roles_of_kind(self, found: str, permission: str, kind: str) -> list[Sql]:
        """Of assignments for any object of one scope type that grant the permission."""
        slugs = sessions.granting(permission, kind, self.user_pk)
        at = [Sql("a.scope_type = %s AND a.role_id = %s", (kind, slug)) for slug in slugs]
        return [way for where in at for way in self.roles(found, where)]

    def shares(self, found: str, permission: str, model: protection.AnyModel, where: Sql | None = None) -> list[Sql]:
        """Of shares of the model's objects."""
        app_label, codename = permission.split(".", 1)
        model_name = protection.concrete(model)._meta.model_name
        named = Sql(self.names["is_permission"], (codename, app_label, model_name))
        condition = joined([named, where], " AND ") if where else named
        return self.of_both(shares_with(permission, model), found, condition)

    def of_both(self, tables: tuple[protection.AnyModel | None, ...], found: str, where: Sql) -> list[Sql]:
        """Of a table that names users and one that names groups. {permission} in `found` is that of a share."""
        holders = (("a.user_id", ""), (self.names["member"], self.names["join_members"]))
        return [self.select(table, found, where, *who) for table, who in zip(tables, holders, strict=True) if table]

    def select(self, model: protection.AnyModel, found: str, where: Sql, user: str, join: str) -> Sql:
        whose = Sql(f"{user} IS NOT NULL") if self.user is None else Sql(f"{user} = %s", (self.user,))
        condition = joined([whose, where], " AND ")
        table = self.connection.ops.quote_name(model._meta.db_table)
        found = found.format(user=user, permission=self.names["permission"])
        text = f"SELECT {found} FROM {table} a {join} WHERE {condition.text}"  # noqa: S608 - as above
        return Sql(text, condition.bound)

    def contained(self, container: models.ForeignKey[Any, Any], around: list[Sql]) -> Sql:
        """Objects by what contains them."""
        options, found = cast("Any", container.model._meta), joined(around, " UNION ALL ")
        named = {"pk": options.pk.column, "table": options.db_table, "column": container.column}
        quoted = {what: self.connection.ops.quote_name(name) for what, name in named.items()}
        return Sql(CONTAINED[self.connection.vendor].format(found=found.text, **quoted), found.bound)

    def locking(self, model: protection.AnyModel, keys: Iterable[Any], columns: Iterable[str]) -> Sql:
        """Rows to be held until the transaction ends, in the order of their keys. SQLite has one writer anyway."""
        quote, options = self.connection.ops.quote_name, cast("Any", model._meta)
        held = self.connection.ops.for_update_sql(no_key=True) if self.connection.features.has_select_for_update else ""
        named = ", ".join(quote(options.get_field(name).column) for name in (options.pk.name, *columns))
        at = self.listed(quote(options.pk.column), [self.adapted(model, key) for key in keys])
        text = f"SELECT {named} FROM {quote(options.db_table)} WHERE {at.text} ORDER BY 1 {held}"  # noqa: S608 - as above
        return Sql(text, at.bound)

    def listed(self, column: str, values: Iterable[Any]) -> Sql:
        vendor, of_all = self.connection.vendor, list(values)
        return Sql(LISTED[vendor].format(column), (json.dumps(of_all) if vendor == "sqlite" else of_all,))


def shares_with(permission: str, model: protection.AnyModel | models.Model) -> protection.Shares:
    """The share tables in which the permission may stand: those of its own model."""
    table = protection.concrete(model)
    return protection.shares_of_model(table) if permission in protection.permissions_on(table) else (None, None)


@cache
def names_in(alias: str) -> dict[str, str]:
    """What arms have in common, in the words of one database."""
    quote = connections[alias].ops.quote_name
    groups: Any = get_user_model()._meta.get_field("groups")
    member_of = f"m.{quote(groups.m2m_reverse_name())}"
    kinds = quote(ContentType._meta.db_table)
    permissions = f"{quote(Permission._meta.db_table)} p JOIN {kinds} c ON c.id = p.content_type_id"
    named = "p.codename = %s AND c.app_label = %s AND c.model = %s"
    return {
        "in_force": IN_FORCE.format(now=NOW[connections[alias].vendor]),
        "member": f"m.{quote(groups.m2m_column_name())}",
        "join_members": f"JOIN {quote(groups.m2m_db_table())} m ON {member_of} = a.group_id",
        "permission": f"(SELECT c.app_label || '.' || p.codename FROM {permissions} WHERE p.id = a.permission_id)",  # noqa: S608 - as above
        "is_permission": f"a.permission_id = (SELECT p.id FROM {permissions} WHERE {named})",  # noqa: S608 - as above
    }


@cache
def insertion(alias: str) -> str:
    """Of an assignment, unless one like it is live: as Django compiles it, but once."""
    query = InsertQuery(RoleAssignment)
    query.insert_values(RoleAssignment._meta.concrete_fields, [RoleAssignment()])
    return f"{query.get_compiler(using=alias).as_sql()[0][0]} ON CONFLICT DO NOTHING"


def marks(count: int) -> str:
    return ", ".join(count * ["%s"])


def any_of(ways: list[Sql], before: str = "") -> Sql:
    found = joined(ways, ") OR EXISTS (")
    return Sql(f"{before}EXISTS ({found.text})", found.bound)


def among(column: str, arms: list[Sql], vendor: str) -> Sql:
    each, merged, whole = AMONG[vendor]
    found = joined([Sql(each.format(arm.text), arm.bound) for arm in arms], " UNION ALL ")
    return Sql(whole.format(column, found.text + merged * (len(arms) > 1)), found.bound)
