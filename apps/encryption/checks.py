"""System checks of encrypted fields and key rings. Each says what is wrong, why it matters and what to do."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.migrations.loader import MigrationLoader

from apps.encryption import rings
from apps.encryption.binding import bound_field
from apps.encryption.codecs import BINDABLE, codec_for
from apps.encryption.errors import KeyringError
from apps.encryption.fields import Encrypted
from apps.encryption.files import EncryptedFileField
from apps.encryption.guards import sealed_field
from apps.encryption.inventory import labeled_fields
from apps.encryption.querysets import SealedQuerySet

type Messages = list[checks.CheckMessage]
type Labels = dict[str, dict[str, str]]
"""Model (lower case) to field to label."""


def register() -> None:
    """Called when the app is ready."""
    checks.register(check_rings, checks.Tags.security)
    checks.register(check_models, checks.Tags.models)
    checks.register(check_labels, checks.Tags.models)


def check_field(field: Encrypted | EncryptedFileField) -> Messages:
    """E001 and E003: what a field is bound to must exist, be known before the row is written, and have a fixed form."""
    names = (field.bind,) if isinstance(field.bind, str) else field.bind or ()
    return [message for name in names for message in _check_bound(field, name)]


def _check_bound(field: Encrypted | EncryptedFileField, name: str) -> Iterator[checks.CheckMessage]:
    try:
        bound = bound_field(field.model, name)
    except (FieldDoesNotExist, FieldError):
        yield checks.Error(
            f"It is bound to {name!r}, which is no column of its model.", obj=field, id="encryption.E003"
        )
        return
    if isinstance(bound, models.AutoField) or bound.has_db_default():
        yield checks.Error(
            f"It is bound to {name!r}, which the database makes up only when the row is written.",
            hint="Use a key that the application makes, such as UUIDField(primary_key=True, default=uuid7). "
            "bind=None works with any key, but lets a database writer swap the values of two rows.",
            obj=field,
            id="encryption.E001",
        )
    elif not _bindable(bound):
        kinds = "text, a whole number or a UUID"
        yield checks.Error(f"It is bound to {name!r}, which is not {kinds}.", obj=field, id="encryption.E003")
    elif isinstance(field, Encrypted) and field.bind != "pk" and bound.creation_counter > field.creation_counter:
        text = f"It is bound to {name!r}, which is declared below it, so its value is not known yet when a row loads."
        yield checks.Error(text, hint=f"Declare {name} first.", obj=field, id="encryption.E009")


def check_name_field(field: EncryptedFileField) -> Messages:
    """E021: what a file was called may tell as much as the file."""
    found = {each.name: each for each in field.model._meta.local_fields}.get(field.name_field)
    if not field.name_field or isinstance(found, Encrypted):
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
    """E004, E005 and E007: a label is one field's, nothing sorts by ciphertext, and bulk writes seal row by row."""
    found: Messages = []
    owners: dict[str, Encrypted | EncryptedFileField] = {}
    for field in labeled_fields():
        owner = owners.setdefault(field.frozen_label, field)
        if owner is not field:
            text = f"Its label {field.frozen_label!r} is also that of {owner}: their cells could be exchanged."
            found.append(checks.Error(text, obj=field, id="encryption.E004"))
    for model in {field.model for field in labeled_fields()}:
        found += _check_ordering(model)
        if not isinstance(model._default_manager.all(), SealedQuerySet):
            hint = "Add SealedQuerySet to the bases of its queryset, or use objects = SealedQuerySet.as_manager()."
            text = "It has encrypted fields, but its manager's queryset is no SealedQuerySet."
            found.append(checks.Error(text, hint=hint, obj=model, id="encryption.E007"))
    return found


def _check_ordering(model: type[models.Model]) -> Messages:
    names = [name.lstrip("-") for name in model._meta.ordering or () if isinstance(name, str)]
    return [
        checks.Error(f"Meta.ordering sorts by the ciphertext of {name!r}.", obj=model, id="encryption.E005")
        for name in names
        if sealed_field(model, name)
    ]


def check_labels(**_: Any) -> Messages:
    """E002: a field has the label that its migrations fixed. Under another one, nothing stored could be opened."""
    now: dict[str, Labels] = defaultdict(lambda: defaultdict(dict))
    for field in labeled_fields():
        meta = field.model._meta
        now[meta.app_label][str(meta.model_name)][field.name] = field.frozen_label
    if not now:
        return []
    loader = MigrationLoader(None)
    migrated = {label: models_ for label, models_ in now.items() if label in loader.migrated_apps}
    if not migrated:
        return []
    before = _labels_in(loader, migrated)
    return [message for label, found in migrated.items() for message in _changed(label, before[label], found)]


def _labels_in(loader: MigrationLoader, labels: Any) -> dict[str, Labels]:
    found: dict[str, Labels] = {label: defaultdict(dict) for label in labels}
    for (app_label, model_name), state in loader.project_state().models.items():
        for name, field in state.fields.items():
            if app_label in found and isinstance(field, (Encrypted, EncryptedFileField)):
                found[app_label][model_name][name] = field.frozen_label
    return found


def _changed(app_label: str, before: Labels, now: Labels) -> Iterator[checks.CheckMessage]:
    config: AppConfig = apps.get_app_config(app_label)
    all_now = {label for fields in now.values() for label in fields.values()}
    for model, fields in before.items():
        for name, label in fields.items():
            new = now.get(model, {}).get(name)
            renamed = label not in all_now and _newcomers(now.get(model), fields, gone=model not in now, now=now)
            if (new and new != label) or (new is None and renamed):
                yield checks.Error(
                    f"The label {label!r}, under which cells of {app_label}.{model}.{name} are sealed, is gone.",
                    hint=f"If the field or its model was renamed, declare it with label={label!r}. If it is to be "
                    "deleted and another one added, make the two migrations one after the other.",
                    obj=config,
                    id="encryption.E002",
                )


def _newcomers(fields: dict[str, str] | None, before: dict[str, str], *, gone: bool, now: Labels) -> bool:
    """Whether a field that vanished could live on under a new name, in its model or in a renamed one."""
    if gone:
        return any(label not in before.values() for other in now.values() for label in other.values())
    return any(name not in before for name in fields or {})
