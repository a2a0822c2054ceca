"""Keys of persons, and their destruction (crypto-shredding): what was sealed with them is then read by nobody.

    subjects.shred(user)        # or "accounts.user:…", when the row is gone already

A key is made when something is first sealed for a person, and stored by whoever stores what it sealed, in the same
transaction. A process keeps the keys that it seals with for an hour at most: what it seals with one that another
process destroyed meanwhile is erased with the rest. To open, the table is asked each time.

A backup that holds the table brings the keys back. SPEC.md, section 10.
"""

import os
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache, partial
from secrets import token_bytes
from threading import local
from time import monotonic
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from django.db import DatabaseError, models, transaction
from django.db.models.functions import Cast, Replace

from apps.encryption import rings
from apps.encryption.envelope import Xaes, hkdf, pad, unpad
from apps.encryption.errors import EncryptionError, Locked
from apps.encryption.keyring import MATERIAL_SIZE
from apps.encryption.models import SubjectKey
from apps.encryption.signals import subject_shredded

CONTEXT: Final = b"rampart/subject/1"
LONGEST_KEPT: Final = 3600  # seconds
MOST_KEPT: Final = 4096  # keys; about 2 KB each


class Mine(local):
    """Keys that a transaction of this thread has made, for as long as it, or an event on its way, holds them."""

    def __init__(self) -> None:
        self.keys: WeakValueDictionary[str, SubjectKey] = WeakValueDictionary()


_mine = Mine()


@lru_cache(MOST_KEPT)
def cipher(material: bytes) -> Xaes:
    return Xaes(hkdf(material, CONTEXT))


def seal(subject: str, plaintext: bytes, bound: bytes) -> tuple[SubjectKey, bytes]:
    """What was sealed, with its key, which is for `keep`."""
    key = _mine.keys.get(subject)
    if key is None:
        try:
            key = stored_key(subject, monotonic() // LONGEST_KEPT)
        except (DatabaseError, EncryptionError, SubjectKey.DoesNotExist):  # several keys do no harm
            key = new_key(subject)
    return key, cipher(key.key).seal(pad(plaintext), CONTEXT + bound)


def new_key(subject: str) -> SubjectKey:
    key = _mine.keys[subject] = SubjectKey(subject=subject, key=token_bytes(MATERIAL_SIZE))
    return key


@lru_cache(MOST_KEPT)
def stored_key(subject: str, hour: float) -> SubjectKey:
    """The newest in the table. Raises DoesNotExist, and EncryptionError if it does not open."""
    key = SubjectKey.objects.filter(subject=subject).latest("id")
    # What tells that it does not open may be sealed for the same person, and must not ask again: it finds this one.
    other = new_key(subject)
    with rings.unlocked():
        key.stored = bool(key.key)
    del other
    return key


def keep(keys: Iterable[SubjectKey], using: str) -> None:
    """Store those that are new. Again for each event until they are there for good: a savepoint may have undone it."""
    new = {key.id: key for key in keys if not key.stored}.values()
    if new:
        with rings.unlocked():  # what is done in a shell that is closed is told of all the same
            SubjectKey.objects.using(using).bulk_create(new, ignore_conflicts=True)
        _mine.keys.update({key.subject: key for key in new})
        transaction.on_commit(partial(are_stored, new), using=using)


def are_stored(keys: Iterable[SubjectKey]) -> None:
    for key in keys:
        key.stored = True


def forget() -> None:
    """All keys that this process, and this thread's transaction, would seal with."""
    stored_key.cache_clear()
    cipher.cache_clear()
    _mine.keys.clear()


def openers(ids: Collection[UUID]) -> dict[UUID, Callable[[bytes, bytes], bytes | None]]:
    """For each of the keys that there is, what opens (sealed, bound): None if it does not authenticate."""
    return {row.pk: partial(opened, row) for row in SubjectKey.objects.filter(pk__in=ids)}


def opened(row: SubjectKey, sealed: bytes, bound: bytes) -> bytes | None:
    try:
        padded = cipher(row.key).open(sealed, CONTEXT + bound)
        return None if padded is None else unpad(padded)
    except (EncryptionError, Locked):  # the key does not open: signals.open_failed has told of it
        return None


def known() -> models.QuerySet[SubjectKey, str]:
    """The ids of all keys that there are, as hexadecimal text."""
    text = Replace(Cast("pk", models.TextField()), models.Value("-"), models.Value(""), output_field=models.TextField())
    return SubjectKey.objects.values_list(text, flat=True)


def shred(person: models.Model | str) -> list[str]:
    """Destroy all keys of a person, which erases what was sealed with them for good. Returns the ids of the keys.

    signals.subject_shredded tells of each first; what can't be told of is not done. Call it last: what is sealed for
    the person afterwards gets a new key. Raises ValueError for a row that has no key (any more): name it as text then.
    """
    if isinstance(person, models.Model):
        if person.pk is None:
            raise ValueError("This row is not stored (any more). Name the person as text: app.model:key.")
        model = person._meta.concrete_model or type(person)
        person = f"{model._meta.label_lower}:{person.pk}"
    with transaction.atomic():
        rows = SubjectKey.objects.filter(subject=person)
        ids = [key.hex for key in rows.select_for_update().order_by("id").values_list("pk", flat=True)]
        for key in ids:
            told = {"subject": person, "key": key}
            subject_shredded.send(sender=None, target=None, outcome="success", changes=None, reason="", details=told)
        rows.filter(pk__in=ids).delete()
        forget()
        transaction.on_commit(forget)
    return ids


# A child must not seal with the nonce epochs of its parent.
os.register_at_fork(after_in_child=forget)
