"""System checks of who may see a masked value, and where."""

from typing import Any

from django.apps import apps
from django.core import checks

from apps.encryption.fields import Encrypted
from apps.encryption.inventory import labeled_fields
from apps.encryption.uploads import check_handlers

type Messages = list[checks.CheckMessage]


def register() -> None:
    """Called when the app is ready."""
    checks.register(check_reveals, checks.Tags.models)
    checks.register(check_admins, checks.Tags.admin)
    checks.register(check_handlers, checks.Tags.security)


def check_reveals(**_: Any) -> Messages:
    """E010: a permission that nobody declares is one that nobody can hold."""
    declared = {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename in (
            *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
            *(codename for codename, _ in model._meta.permissions),
        )
    }
    return [
        checks.Error(
            f"Its reveal={field.reveal!r} is no permission of any model.",
            hint="Add it to Meta.permissions of the model, as (codename, what it allows).",
            obj=field,
            id="encryption.E010",
        )
        for field in labeled_fields()
        if isinstance(field, Encrypted) and field.reveal and field.reveal not in declared
    ]


def check_admins(**_: Any) -> Messages:
    """E011: Django's admin, if it is there, would show in full and sort by what is encrypted."""
    if not apps.is_installed("django.contrib.admin"):
        return []
    from django.contrib.admin.sites import all_sites  # the kit does without it

    from apps.encryption.admin import SealedAdminMixin

    return [
        checks.Error(
            "Its model has encrypted fields, which it would show in full.",
            hint=f"Declare it as class {type(admin).__name__}(SealedAdminMixin, ModelAdmin), of apps.encryption.admin.",
            obj=type(admin),
            id="encryption.E011",
        )
        for site in all_sites
        for model, admin in site._registry.items()
        if not isinstance(admin, SealedAdminMixin) and any(isinstance(field, Encrypted) for field in model._meta.fields)
    ]
