"""Makes events of what happens to tracked models: saved, deleted, related. In the transaction of the change itself.

The old values are those that the row was loaded with: from_db() keeps what the database gave, without copying it. Only
where nothing is known (a row saved by its key, a deferred field, a fixture) they are read first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import partial, wraps
from typing import Any

from django.db import models, router, transaction
from django.db.models.fields import NOT_PROVIDED
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from apps.audit.api import Happening, write_event
from apps.audit.tracking import Column, Tracked, discover, tracked
from apps.audit.values import CHANGED
from apps.audit.writing import together

_untold: ContextVar[Tracked | None] = ContextVar("audit_untold", default=None)


def watch() -> None:
    """Called when the app is ready, after all models are there."""
    for found in discover():
        remember_loaded(found.model)
        pre_save.connect(before_save, sender=found.model)
        post_save.connect(after_save, sender=found.model)
        pre_delete.connect(before_delete, sender=found.model)
        for relation in found.relations:
            if relation.model is found.model:  # not for a child or a proxy again
                watch_relation(found, relation)


def diff(found: Tracked, columns: Iterable[Column], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """{field: [old, new] or CHANGED} of these columns, both sides by attribute. Nothing encrypted is opened."""
    changes: dict[str, Any] = {}
    for column in columns:
        before, after = old.get(column.attname), new.get(column.attname)
        if before is after or cell(before) == cell(after):
            continue
        if column.name in found.secret:
            changes[column.name] = CHANGED
        elif before != (after := column.to_python(after)):  # "5" was assigned, and 5 is stored
            changes[column.name] = [before, after]
    return changes


def cell(value: Any) -> Any:
    """Of an encrypted value its ciphertext, so that two loads of one row compare as equal."""
    return getattr(value, "cell", value)


def tell_created(found: Tracked, instance: models.Model, columns: Iterable[Column]) -> None:
    values = instance.__dict__
    filled = (each for each in columns if values.get(each.attname) not in (None, ""))
    write_event(found.actions["created"], Happening(instance, diff(found, filled, {}, values)))


# The loaded state


def remember_loaded(model: Any) -> None:
    """Wrap what loads and saves a model. Children and proxies inherit it."""
    if hasattr(model.save_base, "is_audited"):
        return
    from_db, refresh, save_base = model.from_db.__func__, model.refresh_from_db, model.save_base

    @wraps(from_db)
    def keeping(cls: Any, db: Any, field_names: Any, values: Any, **kwargs: Any) -> Any:
        found = tracked(cls)
        kept = [lasting(each) for each in values] if found and found.mutable else values
        instance = from_db(cls, db, field_names, values, **kwargs)
        instance._state.audit_loaded = (field_names, kept)
        return instance

    @wraps(refresh)
    def refreshing(self: Any, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        refresh(self, using=using, fields=fields, from_queryset=from_queryset)
        found = tracked(type(self))
        if found is not None:
            remember(self, found.columns if fields is None else found.named(fields))

    @wraps(save_base)
    def atomically(self: Any, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=using, savepoint=False):
            save_base(self, *args, **kwargs)

    atomically.is_audited = True  # type: ignore[attr-defined]  # the mark that it is wrapped
    by_class: Any = classmethod
    model.from_db, model.refresh_from_db, model.save_base = by_class(keeping), refreshing, atomically


def loaded(instance: models.Model) -> dict[str, Any]:
    """Attribute → value as the database has it, for as much as is known."""
    state: Any = instance._state
    known = getattr(state, "audit_loaded", None)
    if not isinstance(known, dict):
        known = state.audit_loaded = dict(zip(*known, strict=True)) if known else {}
    return known


def remember(instance: models.Model, columns: Iterable[Column]) -> None:
    known, values = loaded(instance), instance.__dict__
    known["pk"] = instance.pk
    for column in columns:
        if column.attname in values:
            known[column.attname] = lasting(values[column.attname])


def lasting(value: Any) -> Any:
    """The value, or a copy that neither changes with it nor keeps the instance from being pickled."""
    if isinstance(value, memoryview):
        return bytes(value)
    return deepcopy(value) if isinstance(value, dict | list) else value


# What Django's signals tell


def before_save(sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **_: Any) -> None:
    """Make sure that the old values are known, unless the row is surely new."""
    found = tracked(sender)
    if found is None or surely_new(instance, raw=raw):
        return
    known, columns = loaded(instance), written(found, instance, update_fields, raw=raw)
    if known.get(instance._meta.pk.attname, known.get("pk")) != instance.pk:  # it was made, or its key was changed
        known.clear()
    if missing := [each.attname for each in columns if each.attname not in known]:
        rows = sender._base_manager.using(using).filter(pk=instance.pk)
        known.update(rows.values("pk", *missing).first() or {})


def surely_new(instance: Any, *, raw: bool) -> bool:
    """As Django decides it: without a key, or with one that the model itself has just made."""
    key = instance._meta.pk
    makes_keys = key.default is not NOT_PROVIDED or key.has_db_default()
    return not instance._is_pk_set() or (instance._state.adding and makes_keys and not raw)


def written(
    found: Tracked, instance: models.Model, update_fields: Iterable[str] | None, *, raw: bool = False
) -> list[Column]:
    """Which columns a save writes. A raw one, of a fixture, leaves those of a parent's table alone."""
    columns, values = found.columns if update_fields is None else found.named(update_fields), instance.__dict__
    own = {each.attname for each in instance._meta.local_concrete_fields} & values.keys() if raw else values
    return [each for each in columns if each.attname in own]


def after_save(sender: Any, instance: Any, created: bool, raw: bool, update_fields: Any, **_: Any) -> None:
    found = tracked(sender)
    if found is None:
        return
    columns = written(found, instance, update_fields, raw=raw)
    if created:
        tell_created(found, instance, columns)
        remember(instance, columns)
    elif changes := diff(found, columns, loaded(instance), instance.__dict__):
        write_event(found.actions["changed"], Happening(instance, changes))
        remember(instance, [each for each in columns if each.name in changes])


def before_delete(sender: Any, instance: models.Model, **_: Any) -> None:
    """Before: its name may be made of rows that go with it."""
    found = tracked(sender)
    if found is not None and found is not _untold.get():
        old = {name: value for name, value in (instance.__dict__ | loaded(instance)).items() if value != ""}
        write_event(found.actions["deleted"], Happening(instance, diff(found, found.columns, old, {})))


@contextmanager
def deletions_untold(found: Tracked) -> Iterator[None]:
    """Deletions of this model leave no event in the block, whose caller tells of all of them."""
    token = _untold.set(found)
    try:
        yield
    finally:
        _untold.reset(token)


def watch_relation(found: Tracked, relation: Any) -> None:
    """Both sides of a many-to-many, and the deletion of what it leads to."""
    hear: Callable[..., None] = partial(relation_changed, found, relation)
    m2m_changed.connect(hear, sender=relation.remote_field.through, weak=False)

    def gone(instance: Any, using: str, **_: Any) -> None:
        hear(instance=instance, using=using, action="pre_clear", reverse=True, pk_set=None)

    pre_delete.connect(gone, sender=relation.related_model, weak=False)


def relation_changed(
    found: Tracked, relation: Any, *, instance: Any, action: str, reverse: bool, pk_set: Any, using: str, **_: Any
) -> None:
    """One event for each tracked row whose relation changes: [what was taken, what was added]."""
    if action not in ("post_add", "pre_remove", "pre_clear"):
        return
    own, other = relation.m2m_field_name(), relation.m2m_reverse_field_name()
    if reverse:
        own, other = other, own
    through = relation.remote_field.through
    keys = through._base_manager.using(using).filter(**{own: instance}).values_list(other, flat=True)
    others = set(keys) if pk_set is None else set(keys.filter(**{f"{other}__in": pk_set}))
    if not others:
        return
    targets = found.model._base_manager.using(using).filter(pk__in=others) if reverse else [instance]
    label, keys = relation.related_model._meta.label_lower, [instance.pk] if reverse else sorted(others)
    names = [f"{label}:{key}" for key in keys]
    change = [[], names] if action == "post_add" else [names, []]
    with together():
        for target in targets:
            kept, of = CHANGED if relation.name in found.secret else change, tracked(type(target)) or found
            write_event(of.actions["changed"], Happening(target, {relation.name: kept}))
