"""Opening and sealing stored cells without an instance: what rotation and verification do to each of them."""

import hmac
from typing import Any

from apps.encryption import rings
from apps.encryption.envelope import BARE_HEADER, FIELD_CONTEXT, ODD_ROOT, unpad
from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted


class TagMismatch(EncryptionError):
    """A cell opens, but its search tag is not that of its value: a look-up would not find the row."""


def reseal(field: Encrypted, held: Any, bound: Any, pk: object, present: bytes, *, anew: bool = False) -> bytes:
    """The same value in a new cell, under the primary key and with a tag of the primary index root.

    `present` is how a cell of today begins (inventory.present_start). A tag is kept if its root is the present one,
    unless `anew`: after a change of the normalizer it would be another. Raises what Encrypted.opened does.
    """
    cell, start, padded = field.opened(held, bound, pk)
    head = present
    if field.search:
        kept = not anew and cell[1] == present[1]
        head += cell[BARE_HEADER:start] if kept else tags(field, padded)[0][1]
    cipher = rings.sealer(field.frozen_label, field.context).cipher
    return cipher.seal(padded, FIELD_CONTEXT + head + field.context + field.binding.encode(bound), head)


def tags(field: Encrypted, padded: bytes) -> list[tuple[bool, bytes]]:
    """The tags of a padded plaintext, under the primary index root first."""
    value = field.prepare(field.codec.decode(unpad(padded)))
    return field.search.tags(field, value) if field.search else []


def prove(field: Encrypted, held: Any, bound: Any, pk: object) -> None:
    """Open a cell to its value, and see that it is found by it.

    Raises what Encrypted.opened does, and TagMismatch.
    """
    cell, start, padded = field.opened(held, bound, pk)
    field.codec.decode(unpad(padded))
    if start == BARE_HEADER:
        return
    odd, tag = bool(cell[1] & ODD_ROOT), cell[BARE_HEADER:start]
    if not any(root == odd and hmac.compare_digest(made, tag) for root, made in tags(field, padded)):
        raise TagMismatch(f"{field.frozen_label} of row {pk} opens, but a search would not find it.")
