"""What rbac knows about a model: its permissions, its share models, its container, and the keys of its scopes."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from apps.rbac.models import GroupShare, UserShare
from apps.rbac.roles import GLOBAL, registry

type AnyModel = type[models.Model]
type Shares = tuple[type[UserShare] | None, type[GroupShare] | None]
type Place = tuple[str, str]  # scope type ("" or "app.model") and scope key ("" or "app.model:pk")


def concrete(model: AnyModel | models.Model) -> AnyModel:
    """The model that has the table, of an instance, a model or a proxy of one."""
    return model._meta.concrete_model or (model if isinstance(model, type) else type(model))


def scope_type(model: AnyModel | models.Model | None) -> str:
    return concrete(model)._meta.label_lower if model is not None else GLOBAL


def scope_key(obj: models.Model | None) -> str:
    return f"{scope_type(obj)}:{obj.pk}" if obj is not None else ""


def permission_of(model: AnyModel | models.Model, action: str) -> str:
    """The full name of a model's permission: "view" on Record is "records.view_record". A full one stays."""
    options = concrete(model)._meta
    return action if "." in action else f"{options.app_label}.{get_permission_codename(action, options)}"


def share_permission(model: AnyModel | models.Model | None) -> str:
    """Who holds it on an object may share it: `share_<model>`, or what the model names as `rbac_share_permission`."""
    if model is None:
        return ""
    return getattr(model, "rbac_share_permission", None) or permission_of(model, "share")


@cache
def permissions_on(model: AnyModel) -> frozenset[str]:
    """Every permission that the model declares."""
    return frozenset(labels_on(model))


@cache
def known_permissions() -> frozenset[str]:
    return frozenset(labels())


@cache
def labels() -> dict[str, str]:
    """Every permission in plain words, such as "Can change record"."""
    return {name: label for model in apps.get_models() for name, label in labels_on(model).items()}


def labels_on(model: AnyModel) -> dict[str, str]:
    options, name = model._meta, model._meta.verbose_name
    own = {get_permission_codename(each, options): f"Can {each} {name}" for each in options.default_permissions}
    own |= dict(options.permissions)
    return {f"{options.app_label}.{codename}": str(label) for codename, label in own.items()}


def label(permission: str) -> str:
    return labels().get(permission, permission)


def container_field(model: AnyModel | models.Model) -> models.ForeignKey[Any, Any] | None:
    """The foreign key that the model names as `rbac_container`; roles given for what it points at reach the object."""
    name = getattr(model, "rbac_container", None)
    try:
        field = model._meta.get_field(name) if name else None
    except FieldDoesNotExist:  # which `manage.py check` says
        return None
    return field if isinstance(field, models.ForeignKey) else None


def places(obj: models.Model | None) -> tuple[Place, ...]:
    """Where an assignment may lie that reaches the object: everywhere, on it, on its container. Runs no query."""
    if obj is None:
        return ((GLOBAL, ""),)
    found: list[Place] = [(GLOBAL, ""), (scope_type(obj), scope_key(obj))]
    field = container_field(obj)
    if field and (container := getattr(obj, field.attname)) is not None:
        found.append((scope_type(field.related_model), f"{scope_type(field.related_model)}:{container}"))
    return tuple(found)


@cache
def shares_of_model(model: AnyModel) -> Shares:
    """The models of its user and group shares; None where there is none."""

    def of(base: AnyModel) -> Any:
        found = (each for each in apps.get_models() if issubclass(each, base))
        return next((each for each in found if each._meta.get_field("content_object").related_model is model), None)

    return of(UserShare), of(GroupShare)


def protected_models() -> Iterator[AnyModel]:
    """Models of which single objects can be shared."""
    return (model for model in apps.get_models() if any(shares_of_model(model)))


def scope_models() -> set[AnyModel]:
    """Models for whose objects a role may be given."""
    named = {role.scope.lower() for role in registry.roles.values()}
    containers = {field.related_model for model in protected_models() if (field := container_field(model))}
    return {*protected_models(), *containers, *(each for each in apps.get_models() if each._meta.label_lower in named)}
