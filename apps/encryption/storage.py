"""The storage of a row's encrypted files, over any other, which it gives ciphertext only (SPEC.md, section 9).

EncryptedFileField makes one for each row. Bytes are sealed as they are read and opened as they are asked for, so a file
never is in memory as a whole, and never on a disk in the clear.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from cryptography.cobblestone import Cobblestone256Encryptor
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import models

from apps.encryption import rings
from apps.encryption.cobblestone import CHUNK, Reader, ReadOnly, opened_size, sealed_size
from apps.encryption.envelope import hkdf, lv
from apps.encryption.errors import EncryptionError, NotSealed, OpenFailed, TooLarge, UnknownFormat
from apps.encryption.signals import tell_failure

if TYPE_CHECKING:
    AnyFile = File[Any]
else:
    AnyFile = File  # not subscriptable at run time

FILE_CONTEXT = b"rampart/file/1"
START = b"RMPF\x01\x00"  # magic, version, flags
KEY_ID = slice(6, 10)
HEADER = 10


class SealedStorage(Storage):
    """What a FieldFile asks for: seals what is saved under the primary key, and opens with the key that a file names.

    inner: where the ciphertext goes.
    label: what the files are, in the cryptography. Under another one they can't be opened.
    bind: LV(bind) of the row that the files belong to (binding.py).
    owner: the row itself, which errors and signals.open_failed name.
    """

    def __init__(self, inner: Storage, *, label: str, bind: bytes, owner: models.Model) -> None:
        self.inner, self.label, self.owner = inner, label, owner
        self.context = FILE_CONTEXT + lv(label.encode()) + bind

    def key_id(self, name: str) -> str:
        """The id of the key that a file names, without opening it. Raises NotSealed or UnknownFormat."""
        with self.inner.open(name, "rb") as file:
            return read_header(file.read(HEADER)).hex()

    def _open(self, name: str, mode: str = "rb") -> AnyFile:
        """A file to read and seek in.

        Raises ValueError for a mode that writes, and all that Encrypted.open() does, here or when a piece is read.
        """
        if mode not in ("r", "rb"):
            raise ValueError("A sealed file can't be changed in place. Save a new one.")
        return SealedFile(self, name)

    def reader(self, name: str) -> Reader:
        """Raises OpenFailed, KeyUnavailable, NotSealed or UnknownFormat after signals.open_failed has told of it."""
        try:
            source = self.inner.open(name, "rb")
        except FileNotFoundError as error:
            self.report(error, "")
            raise
        head = b""
        try:
            head = source.read(HEADER)
            key = self.key(read_header(head))
            return _Reported(self, cast("BinaryIO", source), key, head[KEY_ID].hex())
        except BaseException as error:
            source.close()
            if isinstance(error, EncryptionError) and not isinstance(error, OpenFailed):  # which told of itself
                self.report(error, head[KEY_ID].hex())
            raise

    def key(self, key_id: bytes) -> bytes:
        """Raises KeyUnavailable."""
        return hkdf(rings.data_ring().to_open(key_id).material, FILE_CONTEXT, self.label)

    def report(self, error: Exception, key_id: str) -> None:
        """Tell of a file that can't be read, by signals.open_failed."""
        tell_failure(error, sender=type(self.owner), target=self.owner, label=self.label, key_id=key_id)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Returns the name that it got. Raises TooLarge if the content is not as long as it said."""
        key_id = rings.data_ring().primary.id_bytes
        sealing = Sealing(content, START + key_id, self.key(key_id), self.context)
        return self.inner.save(name, File(cast("Any", sealing), name), max_length)

    def size(self, name: str) -> int:
        """Of the plaintext, as the length of the ciphertext gives it. Only reading authenticates it."""
        size = opened_size(self.inner.size(name) - HEADER)
        if size is None:
            raise OpenFailed(self.label, self.owner.pk, "")
        return size

    def url(self, name: str | None) -> str:
        raise AttributeError(
            f"A file of {self.label} has no URL: a link would give out ciphertext. Serve it by a view that asks who "
            "may, with apps.encryption.downloads.download()."
        )


class SealedFile(AnyFile):
    """An opened file of a SealedStorage."""

    def __init__(self, storage: SealedStorage, name: str) -> None:
        self.storage = storage
        super().__init__(cast("Any", storage.reader(name)), name)

    def open(self, mode: str | None = None, *_: Any, **__: Any) -> "SealedFile":
        """Again from the start. Django's own would look for a file of this name on the disk."""
        if mode not in (None, "r", "rb"):
            raise ValueError("A sealed file can't be changed in place. Save a new one.")
        if self.closed:
            self.file = cast("Any", self.storage.reader(str(self.name)))
        self.seek(0)
        return self


class Sealing(ReadOnly):
    """Plaintext as the file of ciphertext that a storage reads, once from its start to its end, or again from 0."""

    def __init__(self, content: AnyFile, head: bytes, key: bytes, context: bytes) -> None:
        self.content, self.head, self.key, self.context = content, head, key, context
        self.expected: int = content.size
        self.size = len(head) + sealed_size(self.expected)
        self._stream, self._rest = self._sealed(), b""

    def _sealed(self) -> Iterator[bytes]:
        encryptor = Cobblestone256Encryptor(self.key, self.context)
        self.content.seek(0)
        yield self.head
        left = self.expected
        while left >= 0 and (piece := self.content.read(CHUNK)):
            left -= len(piece)
            yield encryptor.update(piece)
        piece = b""  # should a report show this frame
        if left:
            raise TooLarge(f"The file is not of the {self.expected} bytes that it was said to have.")
        yield encryptor.finalize()

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size if size is None or size < 0 else size
        pieces, have = [self._rest], len(self._rest)
        while have < wanted and (piece := next(self._stream, None)) is not None:
            pieces.append(piece)
            have += len(piece)
        last = pieces.pop()
        cut = len(last) - max(have - wanted, 0)
        self._rest = last[cut:]
        self._at += min(have, wanted)
        return b"".join((*pieces, last[:cut]))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """To the start, or to the end, as is done to learn the size. Raises UnsupportedOperation for another place."""
        target = self.place(offset, whence)
        if target == 0:  # a fresh salt: no nonce is used again
            self._stream, self._rest = self._sealed(), b""
        elif target == self.size:
            self._stream, self._rest = iter(()), b""
        elif target != self._at:
            raise io.UnsupportedOperation("What is being sealed is read from its start.")
        self._at = target
        return target


class _Reported(Reader):
    """A reader whose failures are named, and told of once."""

    def __init__(self, storage: SealedStorage, source: BinaryIO, key: bytes, key_id: str) -> None:
        self.storage, self.key_id, self.told = storage, key_id, False
        super().__init__(source, key, storage.context, start=HEADER)

    def damaged(self) -> Exception:
        error = OpenFailed(self.storage.label, self.storage.owner.pk, self.key_id)
        if not self.told:
            self.told = True
            self.storage.report(error, self.key_id)
        return error


def read_header(head: bytes) -> bytes:
    """The key id in the first 10 bytes of a file. Raises NotSealed or UnknownFormat."""
    if len(head) < HEADER or head[:4] != START[:4]:
        raise NotSealed("The file was never sealed, such as one that was put into the storage by hand.")
    if head[: len(START)] != START:
        raise UnknownFormat(f"The file's version and flags 0x{head[4:6].hex()} are not known to this version.")
    return head[KEY_ID]
