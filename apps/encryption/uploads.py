"""Where an upload waits for the view: in memory, or in a temporary file of ciphertext.

Django's own handler would spool what is larger than FILE_UPLOAD_MAX_MEMORY_SIZE to the disk in the clear, before any
view or form could say that it is secret. This one takes its place:

    FILE_UPLOAD_HANDLERS = [
        "django.core.files.uploadhandler.MemoryFileUploadHandler",
        "apps.encryption.uploads.SealedUploadHandler",
    ]

Each upload has a key of its own, which never leaves the memory of the process, and the file has no name: nobody can
open it, nor find it after a crash.
"""

import tempfile
from typing import Any, cast

from cryptography.cobblestone import Cobblestone256Encryptor
from django.conf import settings
from django.core import checks
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from apps.encryption.cobblestone import Reader
from apps.encryption.files import EncryptedFileField
from apps.encryption.inventory import labeled_fields

CONTEXT = b"rampart/upload/1"
SPOOLS = "django.core.files.uploadhandler.TemporaryFileUploadHandler"


class SealedUploadHandler(FileUploadHandler):
    """Gives the view an UploadedFile to read and seek in, without a path on the disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.key = Cobblestone256Encryptor.generate_key()
        self.encryptor = Cobblestone256Encryptor(self.key, CONTEXT)
        self.spool = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - closed with the upload

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.spool.write(self.encryptor.update(raw_data))

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self.spool.write(self.encryptor.finalize())
        reader = Reader(cast("Any", self.spool), self.key, CONTEXT)
        return UploadedFile(
            cast("Any", reader), self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()


def check_handlers(**_: Any) -> list[checks.CheckMessage]:
    """E020: no upload is spooled in the clear, if there are encrypted files."""
    files = (field for field in labeled_fields() if isinstance(field, EncryptedFileField))
    if SPOOLS in settings.FILE_UPLOAD_HANDLERS and any(files):
        text = "Uploads larger than FILE_UPLOAD_MAX_MEMORY_SIZE are spooled to the disk in the clear."
        hint = f"In FILE_UPLOAD_HANDLERS replace {SPOOLS} by apps.encryption.uploads.SealedUploadHandler."
        return [checks.Error(text, hint=hint, id="encryption.E020")]
    return []
