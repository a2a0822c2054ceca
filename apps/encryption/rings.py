"""The key rings of this process: read from settings once, and what is derived from them.

`FIELD_ENCRYPTION_KEYS` seals cells, `FIELD_INDEX_KEYS` makes blind tags. Both hold the JSON text of a ring. They are
never derived from SECRET_KEY, which is changed for other reasons and would take the data with it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings

from apps.encryption import sources
from apps.encryption.envelope import FIELD_CONTEXT, FORMAT, HAS_TAG, INDEX_CONTEXT, ODD_ROOT, PADDED, Xaes, hkdf
from apps.encryption.errors import KeyringError, Locked
from apps.encryption.keyring import Keyring

DATA_KEYS, INDEX_KEYS = "FIELD_ENCRYPTION_KEYS", "FIELD_INDEX_KEYS"


locked = False  # see shell.py


@cache
def data_ring() -> Keyring:
    """Raises KeyringError if the setting is missing or its ring can't be used, and Locked in a sealed shell."""
    if locked:
        raise Locked("Encrypted values are closed in this shell. Open them, on record: with unseal(reason=…): …")
    return Keyring.parse(_setting(DATA_KEYS), name=DATA_KEYS)


@cache
def index_ring() -> Keyring:
    """Raises KeyringError if the setting is missing or its ring can't be used."""
    return Keyring.parse(_setting(INDEX_KEYS), name=INDEX_KEYS, index=True)


class Sealer(NamedTuple):
    """What seals a field's values.

    start: how each of its cells begins that is sealed now: format, flags and key id. One that begins otherwise is to be
    rotated. aad: its beginning for a cell without a tag.
    """

    cipher: Xaes
    start: bytes
    aad: bytes


@cache  # one entry a field
def sealer(label: str, context: bytes, index: str | None = None) -> Sealer:
    """For the primary key, and for the primary root if the field is searchable: then `index` is the index's name.

    `context` is what the AAD holds between header and bound values.
    """
    key_id, flags = data_ring().primary.id_bytes, PADDED
    if index is not None:
        odd, _ = index_keys(label, index)[0]
        flags |= HAS_TAG | ODD_ROOT if odd else HAS_TAG
    start = bytes((FORMAT, flags)) + key_id
    return Sealer(opener(key_id, label), start, FIELD_CONTEXT + start + context)


@cache  # one entry a field and live key; an unknown key raises, and is not kept
def opener(key_id: bytes, label: str) -> Xaes:
    """The field's cipher under the key that a cell names. Raises KeyUnavailable."""
    return Xaes(hkdf(data_ring().to_open(key_id).material, FIELD_CONTEXT, label))


@cache  # one entry a searchable field
def index_keys(label: str, index: str) -> tuple[tuple[bool, bytes], ...]:
    """For each live index root, the primary first: whether its number is odd, and the key of the field's tags."""
    return tuple((root.number % 2 == 1, hkdf(root.material, INDEX_CONTEXT, label, index)) for root in index_ring().live)


def forget(**_: Any) -> None:
    """Drop all that was read and derived: settings have changed, or this is a new process."""
    for kept in (data_ring, index_ring, sealer, opener, index_keys):
        kept.cache_clear()


def lock(*, closed: bool) -> None:
    """Take the data keys from this process, or give them back."""
    global locked
    locked = closed
    forget()


@contextmanager
def unlocked() -> Iterator[None]:
    """Have the data keys in the block, if they are taken from this process."""
    if not locked:
        yield
        return
    lock(closed=False)
    try:
        yield
    finally:
        lock(closed=True)


def _setting(name: str) -> str:
    text = getattr(settings, name, "")
    if not text:
        raise KeyringError(name, ["It is not set. Make a ring with: manage.py keys generate RING --file PATH"])
    return sources.plain(name, str.__str__(text))


# A child must not go on with its parent's nonce epoch, nor with a lock that another thread held at the fork.
os.register_at_fork(after_in_child=forget)
