"""System checks of encrypted fields, key rings and masked values: what is wrong, why it matters and what to do."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState

from apps.encryption import rings
from apps.encryption.binding import Labeled, bound_field
from apps.encryption.codecs import BINDABLE, codec_for
from apps.encryption.errors import KeyringError
from apps.encryption.fields import Encrypted
from apps.encryption.files import EncryptedFileField
from apps.encryption.inventory import encrypted_fields, labeled_fields
from apps.encryption.querysets import SealedQuerySet
from apps.encryption.uploads import check_handlers

type Messages = list[checks.CheckMessage]
type Labels = dict[tuple[str, str], dict[str, str]]
"""App and model (lower case) to field to label."""


def register() -> None:
    """Called when the app is ready."""
    checks.register(check_rings, checks.Tags.security)
    checks.register(check_models, checks.Tags.models)
    checks.register(check_labels, checks.Tags.models)
    checks.register(check_reveals, checks.Tags.models)
    checks.register(check_admins, checks.Tags.admin)
    checks.register(check_handlers, checks.Tags.security)


def check_field(field: Encrypted | EncryptedFileField) -> Iterator[checks.CheckMessage]:
    """E001 and E003: what a field is bound to must exist, be known before the row is written, and have a fixed form."""
    for name in (field.bind,) if isinstance(field.bind, str) else field.bind or ():
        try:
            bound = bound_field(field.model, name)
        except (FieldDoesNotExist, FieldError):
            text = f"It is bound to {name!r}, which is no column of its model."
            yield checks.Error(text, obj=field, id="encryption.E003")
            continue
        if isinstance(bound, models.AutoField) or bound.has_db_default():
            yield checks.Error(
                f"It is bound to {name!r}, which the database makes up only when the row is written.",
                hint="Use a key that the application makes, such as UUIDField(primary_key=True, default=uuid7). "
                "bind=None works with any key, but lets a database writer swap the values of two rows.",
                obj=field,
                id="encryption.E001",
            )
        elif not _bindable(bound):
            text = f"It is bound to {name!r}, which is not text, a whole number or a UUID."
            yield checks.Error(text, obj=field, id="encryption.E003")
        elif isinstance(field, Encrypted) and field.bind != "pk" and bound.creation_counter > field.creation_counter:
            text = "which is declared below it, so its value is not known yet when a row loads."
            hint = f"Declare {name} first."
            yield checks.Error(f"It is bound to {name!r}, {text}", hint=hint, obj=field, id="encryption.E009")


def check_name_field(field: EncryptedFileField) -> Messages:
    """E021: what a file was called may tell as much as the file."""
    if not field.name_field or field.name_field in encrypted_fields(field.model):
        return []
    hint = f"Declare {field.name_field} = Encrypted(models.CharField(max_length=100, blank=True))."
    text = f"Its name_field {field.name_field!r} is no encrypted field of its model."
    return [checks.Error(text, hint=hint, obj=field, id="encryption.E021")]


def _bindable(field: "models.Field[Any, Any]") -> bool:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    try:
        codec = codec_for(field)
    except TypeError:
        return isinstance(field, models.AutoField)
    return codec.name in {bindable.name for bindable in BINDABLE.values()}


def check_rings(**_: Any) -> Messages:
    """E006: the rings that sealing and searching need can be used."""
    found: Messages = []
    for ring in (rings.data_ring, rings.index_ring):
        try:
            ring()
        except KeyringError as error:
            found.append(checks.Error(str(error), id="encryption.E006"))
    return found


def check_models(**_: Any) -> Messages:
    """E004 and E007: a label is one field's, and bulk writes seal row by row."""
    found: Messages = []
    owners: dict[str, Encrypted | EncryptedFileField] = {}
    for field in labeled_fields():
        owner = owners.setdefault(field.frozen_label, field)
        if owner is not field:
            text = f"Its label {field.frozen_label!r} is also that of {owner}: their cells could be exchanged."
            found.append(checks.Error(text, obj=field, id="encryption.E004"))
    for model in {field.model for field in labeled_fields()}:
        if not isinstance(model._default_manager.all(), SealedQuerySet):
            hint = "Add SealedQuerySet to the bases of its queryset, or use objects = SealedQuerySet.as_manager()."
            text = "It has encrypted fields, but its manager's queryset is no SealedQuerySet."
            found.append(checks.Error(text, hint=hint, obj=model, id="encryption.E007"))
    return found


def check_labels(**_: Any) -> Messages:
    """E002: a field has the label that its migrations fixed. Under another one, nothing stored could be opened."""
    now: Labels = defaultdict(dict)
    for field in labeled_fields():
        meta = field.model._meta
        now[meta.app_label, str(meta.model_name)][field.name] = field.frozen_label
    states = MigrationLoader(None).project_state().models.items()
    return [message for place, state in states for message in _changed(place, state, now)]


def _changed(place: tuple[str, str], state: ModelState, now: Labels) -> Iterator[checks.CheckMessage]:
    app, model = place
    before = {name: field.frozen_label for name, field in state.fields.items() if isinstance(field, Labeled)}
    in_app = {other: labels for other, labels in now.items() if other[0] == app}
    for name, label in before.items():
        if _is_gone(place, name, before, in_app):
            yield checks.Error(
                f"The label {label!r}, under which cells of {app}.{model}.{name} are sealed, is gone.",
                hint=f"If the field or its model was renamed, declare it with label={label!r}. If it is to be "
                "deleted and another one added, make the two migrations one after the other.",
                obj=apps.get_app_config(app),
                id="encryption.E002",
            )


def _is_gone(place: tuple[str, str], name: str, before: dict[str, str], now: Labels) -> bool:
    """Whether a field has another label, or has vanished while it could live on under a new name."""
    here, label = now.get(place), before[name]
    if here and name in here:
        return here[name] != label
    labels = {label for fields in now.values() for label in fields.values()}
    if label in labels:
        return False
    return bool(here.keys() - before.keys() if here else labels - set(before.values()))


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
        if not isinstance(admin, SealedAdminMixin) and encrypted_fields(model)
    ]
