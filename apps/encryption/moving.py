"""Keeps a plain and an encrypted field of a model equal, while values move from one to the other and the site runs.

    ssn = models.CharField(max_length=11, null=True)
    sealed_ssn = Encrypted(models.CharField(max_length=11, null=True))
    moving_ssn = Moving("ssn", "sealed_ssn", leader="ssn")

    objects = PatientQuerySet.as_manager()  # of MovingQuerySet and SealedQuerySet

The code reads and writes the leader; each write takes the other along. First the plain field leads; when
`manage.py encryption migrate` has filled the encrypted one, the next release lets that one lead; the one after it drops
the plain field. Each step can be taken back, because both fields are written all the while.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.signals import pre_save


class Moving:
    """`Moving(plain, sealed, leader=one of them)`, an attribute of the model that has both."""

    def __init__(self, plain: str, sealed: str, *, leader: str) -> None:
        if leader not in (plain, sealed):
            raise ValueError(f"The leader is {plain} or {sealed}, not {leader}.")
        self.names = {plain, sealed}
        self.plain, self.sealed, self.leader = plain, sealed, leader
        (self.follower,) = self.names - {leader}

    def contribute_to_class(self, model: type[models.Model], name: str) -> None:
        self.model = model
        setattr(model, name, self)
        pre_save.connect(self.before_save, weak=False, dispatch_uid=(model, name))

    def before_save(self, *, instance: Any, update_fields: Collection[str] | None = None, **_: Any) -> None:
        """Receiver of Django's pre_save. Raises FieldError if only one of the two would be written."""
        if isinstance(instance, self.model):
            if update_fields is not None:
                self.refuse_one_alone(update_fields)
            self.copy(instance)

    def copy(self, instance: Any) -> None:
        leader = instance._meta.get_field(self.leader).attname
        if leader in instance.__dict__ and getattr(instance, self.follower) != (value := getattr(instance, leader)):
            setattr(instance, self.follower, value)

    def refuse_one_alone(self, names: Collection[str]) -> None:
        if len(self.names & set(names)) == 1:
            raise FieldError(f"{self.plain} and {self.sealed} move together: write both, or load and save both.")

    def refuse(self, values: Mapping[str, Any]) -> None:
        """An update() may empty both. (That of a bulk_update() has an expression for each, which knows its row.)"""
        given = [values[name] is None for name in self.names & values.keys()]
        if len(given) == 1 or len(set(given)) == 2:
            raise FieldError(
                f"update() can't keep {self.plain} and {self.sealed} equal. Assign and save(), or use bulk_update()."
            )


def movings(model: type[models.Model]) -> Iterator[Moving]:
    """Those that a model declares or inherits."""
    seen = {name: value for base in reversed(model.__mro__) for name, value in vars(base).items()}
    yield from (value for value in seen.values() if isinstance(value, Moving))


class MovingQuerySet[M: models.Model](models.QuerySet[M]):
    """Bulk writes that take the other field along, or refuse. To stand before SealedQuerySet."""

    def bulk_create(self, objs: Iterable[M], *args: Any, **kwargs: Any) -> list[M]:
        objs = list(objs)
        for moving in movings(self.model):
            moving.refuse_one_alone(kwargs.get("update_fields") or ())
            for instance in objs:
                moving.copy(instance)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        objs, fields = list(objs), list(fields)
        for moving in movings(self.model):
            moving.refuse_one_alone(fields)
            for instance in objs if moving.leader in fields else ():
                moving.copy(instance)
        return super().bulk_update(objs, fields, *args, **kwargs)

    def update(self, **values: Any) -> int:
        for moving in movings(self.model):
            moving.refuse(values)
        return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # as Django's, for templates
