"""`scan = EncryptedFileField(upload_to="scans/")`: a FileField whose storage holds ciphertext (SPEC.md, section 9).

A file is sealed for its field and its row, as it streams to the storage. Its name there is random: what it was called
goes into another field, encrypted, if `name_field` says which. A row owns its file: it goes with the row, or when
another takes its place, as soon as the transaction has been committed; a copy of the row gets a copy of the file.
"""

import os
import posixpath
import secrets
from typing import TYPE_CHECKING, Any, Self, overload

from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.core.files.base import File
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.fields.files import FieldFile, FileDescriptor
from django.db.models.query_utils import DeferredAttribute
from django.forms import ClearableFileInput
from django.template.defaultfilters import filesizeformat

from apps.encryption.binding import Bind, Labeled
from apps.encryption.errors import EncryptionError, TooLarge
from apps.encryption.storage import AnyFile, SealedFile, SealedStorage

if TYPE_CHECKING:
    from apps.encryption.cobblestone import Reader

MAX_SIZE = 10 * 1024 * 1024  # bytes


class SealedFileInput(ClearableFileInput):
    """Says that there is a file, without a link or its random name, and can take it away."""

    template_name = "encryption/sealed_file_input.html"

    def is_initial(self, value: Any) -> bool:
        return bool(value)


class StoredName(str):
    """The name of a file that was sealed for the row which is being written. `update(scan="name")` can't make one."""

    __slots__ = ()


class EncryptedFieldFile(FieldFile):
    """What an instance's attribute gives: the file that is stored, or the one that was assigned and waits for save().

    `origin` is the bound values of the row that it was loaded with, if they were known then, `assigned` whether it came
    in since, and `replaced` the name of the file whose place it took.
    """

    field: "EncryptedFileField"

    def __init__(self, instance: models.Model, field: "EncryptedFileField", name: str | None) -> None:
        self.assigned, self.replaced = False, ""
        bound = field.binding.values(instance.__dict__)
        # A column that comes after the file is loaded after it.
        self.origin = None if type(bound) is tuple and None in bound else bound
        super().__init__(instance, field, name or "")

    @property
    def row(self) -> Any:
        """The bound values of the row that it belongs to now."""
        return self.field.binding.of(self.instance)

    @property
    def moved(self) -> bool:
        """Whether its row has got another key since it was loaded, as that of a copy."""
        return bool(self.origin is not None and self.origin != self.row)

    @property  # type: ignore[override]  # not the field's own, but one that knows its row
    def storage(self) -> SealedStorage:
        bind = self.field.binding.encode(self.row if self.origin is None else self.origin)
        return SealedStorage(self.field.storage, label=self.field.frozen_label, bind=bind, owner=self.instance)

    @storage.setter
    def storage(self, value: Any) -> None:
        """Django's own methods set the field's; what they set is not heard."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.name if self and self._committed else 'not stored'}>"

    def open_reader(self) -> "Reader":
        """The stored file, for a part of it. Raises ValueError if there is none, and as SealedStorage.reader() does."""
        if not self:
            raise ValueError(f"{self.field.frozen_label} holds no file.")
        return self.storage.reader(str(self.name))

    def save(self, name: str | None, content: AnyFile, save: bool = True) -> None:
        """Seal `content` into the storage. Its name is kept only in `name_field`.

        Raises TooLarge, KeyringError, and FieldError if the row has no key yet.
        """
        self.field.note_name(self.instance, name)
        self.store(content)
        self.instance.__dict__[self.field.attname] = self
        if save:
            self.instance.save()

    def store(self, content: AnyFile) -> None:
        """Seal `content` for the row as it is now, under a new random name, and be that file."""
        if content.size > self.field.max_size:
            raise TooLarge(f"A file of {self.field.frozen_label} has at most {self.field.max_size} bytes.")
        self.origin, self.assigned = self.row, True
        drawn = self.field.generate_filename(self.instance, "")
        idle = isinstance(content, FieldFile) and content.closed
        try:
            self.name = self.storage.save(drawn, content, max_length=self.field.max_length)
        except BaseException:
            self.field.storage.delete(drawn)  # what was written of it
            raise
        finally:
            if idle:
                content.close()
        self._file, self._committed = None, True

    def delete(self, save: bool = True) -> None:
        """Empty the field. The stored file goes when the row has been saved."""
        if self:
            setattr(self.instance, self.field.attname, None)
            if save:
                self.instance.save()

    def of(self, instance: models.Model) -> "EncryptedFieldFile":
        """The same file as held by a copy of its instance."""
        file = EncryptedFieldFile(instance, self.field, self.name)
        file.__dict__ |= {**self.__dict__, "instance": instance}
        return file

    def __getstate__(self) -> dict[str, Any]:
        if not self._committed:
            raise EncryptionError(f"A file of {self.field.frozen_label} can't be pickled before it is saved.")
        return {**super().__getstate__(), "origin": self.origin, "assigned": self.assigned, "replaced": self.replaced}


class EncryptedFileDescriptor(FileDescriptor):
    """Keeps an EncryptedFieldFile in the instance, whatever is assigned."""

    field: "EncryptedFileField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        file = DeferredAttribute.__get__(self, instance, cls)
        if file.instance is not instance:
            file = instance.__dict__[self.field.attname] = file.of(instance)
        return file

    def __set__(self, instance: Any, value: Any) -> None:
        slots = instance.__dict__
        before = slots.get(self.field.attname)
        if value is not before or before is None:
            slots[self.field.attname] = file = self.field.held(instance, value)
            file.assigned = file.assigned or before is not None
            if not isinstance(value, EncryptedFieldFile) and (before or not file._committed):
                self.field.note_name(instance, file.name)


class EncryptedFileField(Labeled, models.FileField):
    """A FileField that stores its files encrypted.

    max_size: the most bytes that a file may have.
    name_field: a text field of the model, an encrypted one, which is given the name that a file was uploaded with.
    bind, label: as those of Encrypted.

    Takes the options of FileField besides. Raises TypeError for a callable `upload_to`: the name of a file is random.
    """

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # narrower than FileField's
        def __get__(self, instance: models.Model, owner: Any) -> EncryptedFieldFile: ...
        @overload
        def __get__(self, instance: Any, owner: Any) -> Self: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...

    attr_class = EncryptedFieldFile
    descriptor_class = EncryptedFileDescriptor

    def __init__(
        self,
        verbose_name: str | None = None,
        *,
        max_size: int = MAX_SIZE,
        name_field: str = "",
        bind: Bind = "pk",
        label: str | None = None,
        **options: Any,
    ) -> None:
        self.max_size, self.name_field, self.bind, self.label = max_size, name_field, bind, label
        self.frozen_label = label or ""
        if callable(options.get("upload_to")):
            raise TypeError("upload_to of an encrypted file is the name of a folder: the file's own name is random.")
        super().__init__(verbose_name, **options)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """With the label, so that a migration fixes it."""
        name, _, args, kwargs = super().deconstruct()
        kwargs |= self.frozen(max_size=MAX_SIZE)
        return str(name), "apps.encryption.files.EncryptedFileField", list(args), kwargs

    def generate_filename(self, instance: Any, filename: "str | os.PathLike[str]") -> str:
        """A random name: that of the upload would tell what is in the file."""
        return super().generate_filename(instance, secrets.token_hex(16))

    def note_name(self, instance: models.Model, name: str | None) -> None:
        if self.name_field:
            target = instance._meta.get_field(self.name_field)
            length = getattr(getattr(target, "inner", target), "max_length", None) or 255
            setattr(instance, self.name_field, posixpath.basename(name or "")[-length:])

    def held(self, instance: models.Model, value: Any) -> EncryptedFieldFile:
        """A value as the instance keeps it. Another row's file is one to copy, since it can't be opened here."""
        if isinstance(value, EncryptedFieldFile) and value.instance is instance:
            return value
        name = value if isinstance(value, str) else getattr(value, "name", "")
        file = EncryptedFieldFile(instance, self, name)
        if not isinstance(value, File) or (isinstance(value, FieldFile) and (not value or self._is(file, value))):
            return file
        file.name = name or "unnamed"
        file.file, file._committed = value, False
        return file

    def _is(self, file: EncryptedFieldFile, value: FieldFile) -> bool:
        """Whether `value` is this very file, as refresh_from_db() brings it."""
        same = isinstance(value, EncryptedFieldFile) and value._committed and value.origin == file.origin
        return same and value.field == self

    def pre_save(self, model_instance: models.Model, add: bool) -> StoredName:
        file: EncryptedFieldFile = getattr(model_instance, self.attname)
        if file and not file._committed:
            file.store(file.file)
        elif file and file.moved:
            with SealedFile(file.storage, str(file.name)) as content:
                file.store(content)
        elif file and (add or file.assigned):
            file.open_reader().close()  # a name that was given: make sure that it is a file of this row
        if file.assigned and not add:
            file.replaced = self._stored(model_instance)
        return StoredName(file.name or "")

    def _stored(self, instance: models.Model) -> str:
        """The name that the row holds now. The row is locked, so that of two replacements none is left behind."""
        using = instance._state.db or DEFAULT_DB_ALIAS
        rows = type(instance)._base_manager.using(using).filter(pk=instance.pk)
        if connections[using].in_atomic_block:
            rows = rows.select_for_update()
        return str(rows.values_list(self.attname, flat=True).first() or "")

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        kept = isinstance(value, EncryptedFieldFile) and value._committed and not value.assigned  # of a fixture
        if value is None or value == "" or isinstance(value, StoredName) or kept:
            return super().get_db_prep_save(value, connection)
        raise FieldError(
            f"{self.frozen_label} is a file that is sealed for its row: the database can't be told another name in an "
            "UPDATE or an expression. Assign it and save()."
        )

    # What forms and checks ask for

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        if value and not value._committed and value.size > self.max_size:
            text = f"The file is larger than {filesizeformat(self.max_size)}. Choose a smaller one."
            raise ValidationError(text, code="max_size")

    def run_validators(self, value: Any) -> None:
        """Once, before it is stored: later its name is random, and each look would open it."""
        if not value._committed:
            super().run_validators(value)

    def formfield(self, **kwargs: Any) -> Any:
        """With a widget of its own: those of Django and its admin show a link."""
        widget = kwargs.pop("widget", None)
        fits = isinstance(widget, SealedFileInput) or (isinstance(widget, type) and issubclass(widget, SealedFileInput))
        return super().formfield(**{**kwargs, "max_length": None, "widget": widget if fits else SealedFileInput})

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        from apps.encryption.checks import check_field, check_name_field  # it imports this module

        return [*super().check(**kwargs), *check_field(self), *check_name_field(self)]
