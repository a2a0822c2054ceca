"""What happens to a stored file when its row is saved, deleted, or sealed anew under another key.

Nothing is deleted before the transaction has been committed: a roll-back finds all files in their place. What a
rolled-back transaction stored stays behind as ciphertext that no row names.
"""

from functools import partial
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models.signals import post_save, pre_delete

from apps.encryption.files import EncryptedFieldFile, EncryptedFileField, StoredName
from apps.encryption.storage import SealedFile


def watch() -> None:
    """Called when the app is ready. Proxies too: what is deleted through one sends its signals."""
    for model in apps.get_models():
        if file_fields(model):
            post_save.connect(forget_replaced, sender=model)
            pre_delete.connect(forget_deleted, sender=model)


def file_fields(model: type[models.Model]) -> list[EncryptedFileField]:
    """The encrypted files in the table of a model or of the one that it is a proxy of."""
    concrete = model._meta.concrete_model or model
    return [field for field in concrete._meta.local_fields if isinstance(field, EncryptedFileField)]


def forget_replaced(sender: type[models.Model], instance: models.Model, using: str, **_: Any) -> None:
    for field in file_fields(sender):
        file = instance.__dict__.get(field.attname)
        if isinstance(file, EncryptedFieldFile):
            if file.replaced and file.replaced != file.name:
                delete_on_commit(field, file.replaced, using)
            file.assigned, file.replaced = False, ""


def forget_deleted(sender: type[models.Model], instance: models.Model, using: str, **_: Any) -> None:
    for field in file_fields(sender):
        file: EncryptedFieldFile = getattr(instance, field.attname)
        if file and file._committed:
            delete_on_commit(field, str(file.name), using)


def delete_on_commit(field: EncryptedFileField, name: str, using: str) -> None:
    transaction.on_commit(partial(field.storage.delete, name), using=using, robust=True)


# For commands: status, rotate and verify


def key_id(file: EncryptedFieldFile) -> str:
    """The id of the key that a stored file names. Nothing is opened. Raises NotSealed, UnknownFormat."""
    return file.storage.key_id(str(file.name))


def verify(file: EncryptedFieldFile) -> int:
    """Read a stored file to its end, and return its size. Raises what opening it does."""
    with file.open_reader() as reader:
        return sum(map(len, reader.pieces(0, reader.size)))


def reseal(instance: models.Model, field: EncryptedFileField, *, using: str) -> bool:
    """Seal a row's file under the primary key. False if it was replaced meanwhile: then that one stands.

    The row is compared and swapped, so no lock is held while the file is copied, and no update is lost.
    """
    old: EncryptedFieldFile = getattr(instance, field.attname)
    new = old.of(instance)
    with SealedFile(old.storage, str(old.name)) as content:
        new.store(content)
    rows = type(instance)._base_manager.using(using).filter(**{"pk": instance.pk, field.attname: str(old.name)})
    swapped = bool(rows.update(**{field.attname: StoredName(new.name)}))
    delete_on_commit(field, str(old.name if swapped else new.name), using)
    if swapped:
        new.assigned = False
        instance.__dict__[field.attname] = new
    return swapped
