"""`UniqueSealed("email", name="patient_email")` in Meta.constraints: no two rows have equal values of a field.

Equal is what the field's normalizer says. The database holds it by a unique index on the tags, which PostgreSQL and
SQLite keep under all writers, and forms say it before.

While an index root is replaced, a value has two tags, and the index alone would let it in twice. So each write of such
a field then asks for both tags, in one transaction and, on PostgreSQL (READ COMMITTED, Django's default), under a lock.
This holds if every process knew both roots before the first one sealed under the new one: add it as decrypt-only,
deploy, and only then promote it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.core import checks
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, router, transaction

from apps.encryption import rings
from apps.encryption.attributes import Sealed
from apps.encryption.guards import Guarded
from apps.encryption.search import BlindTag
from apps.encryption.swapping import lock


class UniqueSealed(models.UniqueConstraint):
    """Rows without a value (NULL) do not count. A field with short tags can't be unique: encryption.E008.

    What forms say is the field's own error message for `unique`.
    """

    def __init__(self, field: str, *, name: str) -> None:
        self.field = field
        super().__init__(BlindTag(field), name=name)

    def deconstruct(self) -> Any:
        return "apps.encryption.constraints.UniqueSealed", (self.field,), {"name": self.name}

    def check(self, model: type[models.Model], connection: Any) -> list[checks.CheckMessage]:
        field = next((field for field in model._meta.fields if field.name == self.field), None)
        if isinstance(field, Guarded) and field.search and not field.search.bits:
            return list(super().check(model, connection))
        text = (
            f"UniqueSealed {self.name!r} needs an encrypted field with search=Exact(…) and whole tags: {self.field!r}."
        )
        return [checks.Error(text, obj=model, id="encryption.E008")]

    def validate(
        self, model: type[models.Model], instance: models.Model, exclude: Any = None, using: str = DEFAULT_DB_ALIAS
    ) -> None:
        """Raises ValidationError for the field. Both tags are asked for while two index roots live."""
        value = None if exclude and self.field in exclude else getattr(instance, self.field)
        if value is None:
            return
        rows = model._default_manager.using(using).filter(**{self.field: value})
        if not instance._state.adding:
            rows = rows.exclude(pk=instance.pk)
        if rows.exists():
            raise ValidationError({self.field: instance.unique_error_message(model, (self.field,))})


@contextmanager
def still_unique(
    model: type[models.Model], objs: Sequence[models.Model], using: str, names: Collection[str] | None = None
) -> Iterator[None]:
    """Hold the unique encrypted fields of these objects, or those named, while they are written in the block.

    Does nothing unless two index roots live; then the block is one transaction, and no other is in it. Raises
    IntegrityError, as the database would.
    """
    unique = [(of, found) for of, found in _unique(model) if names is None or found.field in names]
    if not unique or len(rings.index_ring().live) < 2:
        yield
        return
    with transaction.atomic(using=using):
        for of, constraint in unique:
            lock(using, f"{of._meta.label_lower}.{constraint.field}")
            values = list(_written(of._meta.get_field(constraint.field), objs))
            rows = of._base_manager.using(using).filter(**{f"{constraint.field}__in": values})
            if rows.exclude(pk__in=[obj.pk for obj in objs if obj.pk is not None]).exists():
                raise IntegrityError(f"unique constraint {constraint.name} of {of._meta.label} failed")
        yield


def keep_unique(model: type[models.Model]) -> None:
    """Make the model's save() ask for both tags while it must."""
    save_base = model.save_base
    if hasattr(save_base, "keeps_unique"):
        return

    @wraps(save_base)
    def keeping(self: Any, *args: Any, **kwargs: Any) -> None:
        if not any(True for _ in _unique(type(self))):
            return save_base(self, *args, **kwargs)
        using = kwargs.get("using") or router.db_for_write(type(self), instance=self)
        with still_unique(type(self), [self], using, kwargs.get("update_fields")):
            return save_base(self, *args, **kwargs)

    keeping.keeps_unique = True  # type: ignore[attr-defined]  # the mark that it is wrapped
    model.save_base = keeping  # type: ignore[method-assign]  # of every model with a searchable field


def _unique(model: type[models.Model]) -> Iterator[tuple[type[models.Model], UniqueSealed]]:
    for owner in (model._meta.concrete_model or model, *model._meta.all_parents):
        for constraint in owner._meta.constraints:
            if isinstance(constraint, UniqueSealed):
                yield owner, constraint


def _written(field: Any, objs: Iterable[models.Model]) -> Iterator[Any]:
    """The values that would be new in the column: not those whose cells stay as they are."""
    for obj in objs:
        held = obj.__dict__.get(field.attname)
        stays = type(held) is Sealed and not obj._state.adding and held.origin == field.binding.values(obj.__dict__)
        if held is not None and not stays and not hasattr(held, "as_sql"):
            yield getattr(obj, field.attname)
