"""Which models are tracked. A model says it itself; each change of it is then an event, and nothing has to be called:

    class Invoice(models.Model):
        class Audit:
            track = "__all__"           # or the names of its fields; () for nothing
            exclude = {"thumbnail"}
            sensitive = {"iban"}        # of these only *that* they changed is kept
            subject = "customer"        # whose data it is: subjects.py
            reads = True                # there is an action for looking at one: audit.viewed(invoice)

        objects = AuditedQuerySet.as_manager()

The actions `<app>.<model>.created`, `.changed`, `.deleted` and `.viewed` come by themselves, unless the app registers
its own of that name. Fields of the classes in AUDIT_SECRET_FIELDS, and those named like a password, are always
sensitive. The key, and times that each save sets, are not tracked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldError
from django.db.models import BinaryField, Field, ForeignKey, JSONField, ManyToManyField, Model
from django.utils.module_loading import import_string

from apps.audit.actions import Action, Category, Severity, register, registered

EVERYTHING: Final = "__all__"
SECRETIVE: Final = re.compile("pass(word|phrase)|secret|token")

type Column = Field[Any, Any]
type Relation = ManyToManyField[Any, Any]


@dataclass(frozen=True, slots=True)
class Tracked:
    """What is kept of one model. secret: the names of the fields whose values never reach the log."""

    model: type[Model]
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...]
    secret: frozenset[str]
    reads: bool
    mutable: bool  # whether a value may change in place, or can't be pickled
    unknown: tuple[str, ...]
    actions: dict[str, str] = field(default_factory=dict)

    def named(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The tracked columns among these names of fields or attributes."""
        wanted = set(names)
        return tuple(each for each in self.columns if each.name in wanted or each.attname in wanted)


_tracked: dict[type[Model], Tracked] = {}


def tracked(model: type[Model]) -> Tracked | None:
    return _tracked.get(model)


def all_tracked() -> Iterator[Tracked]:
    yield from _tracked.values()


def discover() -> list[Tracked]:
    """Find every model that declares or inherits `Audit`, proxies too, and give it its actions."""
    for model in apps.get_models():
        about(model)
        if (declared := getattr(model, "Audit", None)) is not None and getattr(declared, "track", True):
            _tracked[model] = read(model, declared)
            register(*(action for action in default_actions(_tracked[model]) if action.name not in registered()))
    return [*_tracked.values()]


def read(model: type[Model], declared: type) -> Tracked:
    track, exclude = getattr(declared, "track", EVERYTHING), set(getattr(declared, "exclude", ()))
    sensitive = set(getattr(declared, "sensitive", ()))
    columns = {each.name: each for each in model._meta.concrete_fields if not each.primary_key and not each.generated}
    relations = {each.name: each for each in model._meta.many_to_many}
    named = set() if track == EVERYTHING else set(track)
    names = (named or {name for name, each in columns.items() if not sets_itself(each)} | relations.keys()) - exclude
    secret = {each.name for each in columns.values() if isinstance(each, secret_kinds()) or SECRETIVE.search(each.name)}
    label = (model._meta.concrete_model or model)._meta.label_lower
    return Tracked(
        model=model,
        columns=tuple(each for name, each in columns.items() if name in names),
        relations=tuple(each for name, each in relations.items() if name in names),
        secret=frozenset(secret | sensitive),
        reads=bool(getattr(declared, "reads", False)),
        mutable=any(
            isinstance(each, JSONField | BinaryField) or "base_field" in vars(each) for each in columns.values()
        ),
        unknown=tuple(sorted((named | exclude | sensitive) - columns.keys() - relations.keys())),
        actions={verb: f"{label}.{verb}" for verb in ("created", "changed", "deleted", "viewed")},
    )


@cache
def about(model: Any) -> tuple[str, str]:
    """`app.model` of the persons whom rows of the model are about, and the attribute with their key; empty: nobody.

    Raises FieldError or FieldDoesNotExist for a `subject` that is no foreign key to one: the site does not start then.
    """
    declared = getattr(getattr(model, "Audit", None), "subject", None)
    if not declared:
        return "", ""
    person, attribute = model, "pk"
    if declared is not True:
        relation = model._meta.get_field(declared)
        if not isinstance(relation, ForeignKey) or not relation.target_field.primary_key:
            raise FieldError(f"{model._meta.label}.Audit: subject = {declared!r} is no foreign key to a person's key.")
        person, attribute = relation.related_model, relation.attname
    return person._meta.concrete_model._meta.label_lower, attribute


def subject_of(row: object) -> str:
    """`app.model:key` of the person whom a row is about; empty if of nobody."""
    kind, attribute = about(row.__class__) if isinstance(row, Model) else ("", "")
    key = getattr(row, attribute) if kind else None
    return "" if key is None else f"{kind}:{key}"


def secret_kinds() -> tuple[type[Column], ...]:
    return tuple(map(import_string, getattr(settings, "AUDIT_SECRET_FIELDS", ())))


def sets_itself(column: Column) -> bool:
    """A time that each save sets would make an event of a save that changes nothing else."""
    return bool(getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False))


def default_actions(found: Tracked) -> Iterator[Action]:
    for verb, name in found.actions.items():
        if verb != "viewed" or found.reads:
            severity = Severity.NOTICE if verb == "deleted" else Severity.INFO
            yield Action(name, f"{{actor}} {verb} {{target}}", Category.DATA, severity)
