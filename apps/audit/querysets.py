"""The queryset of tracked models: bulk writes are told of too. A mixin, to be composed with those of other apps.

`update()` reads the rows first, locked, and then writes exactly those: one event for each row that changes. Above
AUDIT_BULK_MAX rows it does not: one event tells of all, with their number and what the condition asked for. A model's
base manager does the same, through which Django writes on its own (SET_NULL, `parent.children.add`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self, cast

from django.conf import settings
from django.db import models, transaction
from django.db.models.sql.where import WhereNode

from apps.audit.api import Happening, write_event
from apps.audit.changes import deletions_untold, diff, remember, tell_created
from apps.audit.tracking import Column, Tracked, all_tracked, tracked
from apps.audit.values import CHANGED
from apps.audit.writing import together

BULK_MAX = 1000


class AuditedQuerySet[M: models.Model](models.QuerySet[M]):
    def untracked(self, *, reason: str) -> Self:
        """Bulk writes of this queryset leave one event with their number, whatever they change. Raises ValueError."""
        if not reason.strip():
            raise ValueError("Say why no change of a row is to be told of: untracked(reason=…).")
        rows: Any = self.all()
        rows._add_hints(untracked=reason)  # what Django hands on from queryset to queryset
        return cast("Self", rows)

    @property
    def _untracked(self) -> str:
        hints: dict[str, Any] = vars(self)["_hints"]
        return str(hints.get("untracked", ""))

    def update(self, **values: Any) -> int:
        found = tracked(self.model)
        columns = found.named(values) if found else ()
        if not found or not columns or self.query.is_sliced or self.query.combinator or self.query.distinct_fields:
            return super().update(**values)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False), together():
            rows = [] if self._untracked else self._locked()
            if self._untracked or len(rows) > bulk_max():
                count = super().update(**values)
                self._tell_of_all(found, "changed", count, columns)
                return count
            count = super(AuditedQuerySet, self.filter(pk__in=[row.pk for row in rows])).update(**values)
            self._tell_of_each(found, columns, rows, values)
            return count

    def delete(self) -> tuple[int, dict[str, int]]:
        found = tracked(self.model)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False), together():
            if not found or not self._untracked:
                return super().delete()
            with deletions_untold(found):
                count, by_model = super().delete()
            self._tell_of_all(found, "deleted", by_model.get(self.model._meta.label, 0), ())
            return count, by_model

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's: no manager has it

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        """With ignore_conflicts or update_conflicts the database does not say what it did with which row: one event."""
        found = tracked(self.model)
        if found is None:
            return super().bulk_create(objs, *args, **kwargs)
        self._for_write = True
        with transaction.atomic(using=self.db, savepoint=False), together():
            made = super().bulk_create(objs, *args, **kwargs)
            if self._untracked or any(args[1:3]) or kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
                self._tell_of_all(found, "created", len(made), ())
            else:
                for row in made:
                    tell_created(found, row, found.columns)
                    remember(row, found.columns)
        return made

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        """Calls update(), which tells of it."""
        rows, names = list(objs), list(fields)
        with together():
            count = super().bulk_update(rows, names, *args, **kwargs)
        if found := tracked(self.model):
            for row in rows:
                remember(row, found.named(names))
        return count

    def _locked(self) -> list[M]:
        """The rows as they are, at most one more than are told of one by one. (A subquery: it may be DISTINCT.)"""
        rows = self.model._base_manager.using(self.db).filter(pk__in=self.order_by().values("pk"))
        return list(rows.select_for_update()[: bulk_max() + 1])

    def _tell_of_each(self, found: Tracked, columns: Iterable[Column], rows: list[M], values: dict[str, Any]) -> None:
        fresh: dict[Any, M] = {}
        if any(hasattr(value, "resolve_expression") for value in values.values()):
            fresh = self.model._base_manager.using(self.db).in_bulk([row.pk for row in rows])
        given = {each.attname: given_to(each, values) for each in columns}
        for row in rows:
            new = fresh[row.pk].__dict__ if fresh else given
            if changes := diff(found, columns, row.__dict__, new):
                write_event(found.actions["changed"], Happening(row, changes))

    def _tell_of_all(self, found: Tracked, verb: str, count: int, columns: Iterable[Column]) -> None:
        changes = {each.name: CHANGED for each in columns}
        details = {"rows": count, "where": sorted(set(shape(self.query.where)))}
        write_event(found.actions[verb], Happening(self.model, changes, reason=self._untracked, details=details))


def bulk_max() -> int:
    return int(getattr(settings, "AUDIT_BULK_MAX", BULK_MAX))


def given_to(column: Any, values: dict[str, Any]) -> Any:
    value = values.get(column.name, values.get(column.attname))
    return getattr(value, column.target_field.attname) if isinstance(value, models.Model) else value


def shape(where: WhereNode) -> Iterator[str]:
    """What a condition asks for, without the values that it asks for: they may be secret."""
    for child in where.children:
        if isinstance(child, WhereNode):
            yield from shape(child)
        else:
            column = getattr(getattr(child, "lhs", None), "target", None)
            yield f"{getattr(column, 'name', 'an expression')}__{getattr(child, 'lookup_name', 'true')}"


def watch_base_managers() -> None:
    """Called when the app is ready. Django's own writes go through the base manager, so that is to be audited too:
    the default one is, unless the model names another, or its default one hides rows (audit.E011 tells).
    """
    for found in all_tracked():
        options, default = found.model._meta, found.model._default_manager
        if options.base_manager_name is None and shows_all_rows(default):
            options.base_manager_name = default.name
            vars(options).pop("base_manager", None)  # as it was cached before


def shows_all_rows(manager: models.Manager[Any]) -> bool:
    return type(manager).get_queryset is models.Manager.get_queryset
