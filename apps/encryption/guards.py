"""What a query may do with an encrypted column: select it, count it, test it for NULL, look it up by its blind tag.

The column's expression looks at the whole query once, when its SQL is made, whatever queryset or manager made the
query. Anything else that would be done with the column is refused, because it would work on ciphertext: two cells of
one value differ, and their order is chance.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Col, Combinable, F, OrderBy, Ref, Subquery
from django.db.models.lookups import IsNull
from django.db.models.sql import Query
from django.db.models.sql.datastructures import Join

from apps.encryption.binding import Labeled
from apps.encryption.search import Exact, SealedExact, SealedIn, SealedMaybe


class Guarded(Labeled):
    """The query side of an encrypted field."""

    search: Exact | None

    def get_col(self, alias: str, output_field: Any = None) -> Any:
        return SealedCol(alias, self, output_field)

    def get_lookup(self, lookup_name: str) -> Any:
        found = {"isnull": IsNull, **self._lookups()}.get(lookup_name)
        if found:
            return found
        if lookup_name in ("exact", "in") and self.search:
            raise FieldError(
                f"{self.frozen_label} has short tags, which other values share. Get the rows that have this one by "
                f"matching({self.name}=…) of a SealedQuerySet, or those that may have it by __maybe."
            )
        possible = ", ".join(f"__{name}" for name in ("isnull", *self._lookups()))
        declare = "" if self.search else " and, declared with search=Exact(…), __exact and __in"
        raise FieldError(
            f"{self.frozen_label} is encrypted: __{lookup_name} can't look into it. Possible: {possible}{declare}."
        )

    def _lookups(self) -> dict[str, Any]:
        if not self.search:
            return {}
        return {"maybe": SealedMaybe} if self.search.bits else {"exact": SealedExact, "in": SealedIn}

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.frozen_label} is encrypted: the database can't apply __{lookup_name} to it.")


class SealedCol(Col):
    """An encrypted column in a query. Expressions that set `reads_cells` may read it; see search.BlindTag."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not getattr(compiler, "cells_are_used_rightly", False):
            refuse_misuse(compiler.query)
            compiler.cells_are_used_rightly = True  # one look for all columns of a query
        return super().as_sql(compiler, connection)


def refuse_misuse(query: Any) -> None:
    """Raises FieldError, which names the way out, if the query would compare, sort, merge or compute with cells."""
    selected = [*query.select, *query.annotation_select.values()]
    for expression in (*query.select, *query.annotations.values(), query.where):
        refuse_inside(expression)
    _refuse_writing(query)
    _refuse_sorting(query)
    if query.subquery:
        _refuse_handing_out(query, selected)
    if (query.distinct and not query.distinct_fields) or (query.combinator and not query.combinator_all):
        _refuse_merging(
            query, selected, "tell its equal values apart" if query.combinator else "use it in DISTINCT", "values()"
        )
    if isinstance(query.group_by, tuple):
        _refuse_merging(query, [*query.group_by, *selected], "use it in GROUP BY", "values() before annotate()")
    elif query.group_by:
        _refuse_merging(query, selected, "use it in GROUP BY", "the annotations", whole=True)


def sealed_field(model: type[models.Model], path: str) -> Any:
    """The encrypted field that a lookup path such as `owner__notes` leads to or through; None if there is none."""
    try:
        _, found, _, _ = Query(model).names_to_path(path.split("__"), model._meta)
    except FieldError:
        return None
    return found if isinstance(found, Guarded) else None


def refuse_inside(parent: Any) -> None:
    """Raises FieldError if a resolved expression computes or compares with an encrypted column."""
    parent = _source(parent)
    if isinstance(parent, Query):
        return  # it looks at itself when its own SQL is made
    for child in _children(parent):
        field = _sealed(child)
        if field is None:
            refuse_inside(child)
        elif not _may_read(parent):
            name = type(parent).__name__
            raise FieldError(
                f"{field.frozen_label} is encrypted: the database can't use it in {name}. Read it and do that in "
                "Python" + (", or filter by a value." if field.search else ".")
            )


def _children(parent: Any) -> Iterator[Any]:
    yield from (child for child in getattr(parent, "get_source_expressions", list)() if child is not None)
    listed = getattr(parent, "rhs", None)  # of __in and __range
    if isinstance(listed, list | tuple | set):
        yield from (item for item in listed if hasattr(item, "as_sql"))


def _sealed(expression: Any) -> Any:
    """The encrypted field whose cells an expression stands for, if it does."""
    expression = _source(expression)
    if isinstance(expression, SealedCol):
        return expression.target
    field: Any = None
    if isinstance(expression, Query):
        field = expression.output_field
    elif isinstance(expression, Subquery):
        field = expression._output_field_or_none  # type: ignore[attr-defined]  # the stubs do not know it
    return field if isinstance(field, Guarded) else None


def _may_read(parent: Any) -> bool:
    if isinstance(parent, models.Count):
        return not getattr(parent, "distinct", True)
    return isinstance(parent, IsNull) or getattr(parent, "reads_cells", False)


def _refuse_writing(query: Any) -> None:
    """Into another column of an UPDATE."""
    for target, _, value in getattr(query, "values", ()):
        refuse_inside(value)
        for field in _named(query, value):
            raise FieldError(
                f"{field.frozen_label} is encrypted: an UPDATE would write its ciphertext to {target.name}. Read it, "
                "assign it and save(), or use bulk_update() of a SealedQuerySet."
            )


def _refuse_sorting(query: Any) -> None:
    names = query.order_by or (query.get_meta().ordering if query.default_ordering and query.model else ())
    for name in (*names, *query.distinct_fields):
        for field in _named(query, name):
            raise FieldError(f"{field.frozen_label} is encrypted: the database can't sort by it. Sort in Python.")


def _named(query: Any, name: Any) -> Iterator[Any]:
    """Encrypted fields that an ordering or an expression which is not resolved yet speaks of."""
    for path in paths(name):
        field = _sealed(query.annotations[path]) if path in query.annotations else sealed_field(query.model, path)
        if field is not None:
            yield field
    if (field := _sealed(name)) is not None:
        yield field


def paths(name: Any) -> Iterator[str]:
    """The lookup paths in a name of order_by() or an expression."""
    if isinstance(name, str):
        yield name.lstrip("-+")
    elif isinstance(name, F):
        yield str(name.name)  # type: ignore[attr-defined]  # the stubs do not know it
    elif isinstance(name, OrderBy):
        yield from paths(name.expression)
    elif isinstance(name, Combinable) and not getattr(name, "reads_cells", False):
        for source in getattr(name, "get_source_expressions", list)():
            yield from paths(source)


def _refuse_handing_out(query: Any, selected: list[Any]) -> None:
    """To a query around this one, which does not see what it compares, computes or writes."""
    handed = [found for alias, found in query.annotation_select.items() if alias.startswith("__col")]  # to an aggregate
    if len(selected) == 1 and not query.default_cols:
        handed += selected
    for field in map(_sealed, handed):
        if field is not None:
            raise FieldError(
                f"{field.frozen_label} is encrypted: a subquery can't hand its ciphertext to the query around it. Get "
                "the rows and read it in Python, or let the subquery select the key."
            )


def _refuse_merging(query: Any, merged: list[Any], what: str, where: str, *, whole: bool = False) -> None:
    """Merging equal rows is right only where a row's key is among the columns, so that none of its cells matter."""
    keys = {(column.alias, column.target) for column in map(_source, merged) if isinstance(column, Col)}
    for column in map(_source, merged):
        if isinstance(column, SealedCol) and not _one_row(query, column.alias, keys, whole or query.default_cols):
            field: Any = column.target
            raise FieldError(
                f"{field.frozen_label} is encrypted: the database can't {what}. Leave it out of "
                f"{where}, or put the key of its row in, or do it in Python."
            )


def _source(expression: Any) -> Any:
    while isinstance(expression, Ref):
        (expression,) = expression.get_source_expressions()
    return expression


def _one_row(query: Any, alias: Any, keys: Iterable[Any], whole: bool) -> bool:
    """Whether the keys settle which row of a table it is: by its own key, or by one that leads to it."""
    table = query.alias_map.get(alias)
    if whole and alias == query.base_table:
        return True
    if any(of == alias and target.primary_key for of, target in keys):
        return True
    if not isinstance(table, Join):
        return False
    relation: Any = table.join_field
    if not (relation.many_to_one or relation.one_to_one):
        return False
    if (table.parent_alias, relation) in keys:
        return True
    return _one_row(query, table.parent_alias, keys, whole)
