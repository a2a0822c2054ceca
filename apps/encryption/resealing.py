"""Opening and sealing stored cells without an instance: what rotation and verification do to each of them."""

import hmac
from typing import Any

from django.core.exceptions import ValidationError

from apps.encryption import rings
from apps.encryption.envelope import BARE_HEADER, FIELD_CONTEXT, KEY_ID, ODD_ROOT, SHORTEST, pad, read_cell, unpad
from apps.encryption.errors import EncryptionError, OpenFailed
from apps.encryption.fields import Encrypted
from apps.encryption.signals import open_failed


class TagMismatch(EncryptionError):
    """A cell opens, but its search tag is not that of its value: a look-up would not find the row."""


def opened(field: Encrypted, held: Any, bound: Any, pk: object) -> tuple[bytes, int, bytes]:
    """The cell, where its header ends, and its padded plaintext. `bound`: the row's values as Binding.values gives.

    Raises OpenFailed, KeyUnavailable, NotSealed or UnknownFormat.
    """
    cell, start = read_cell(held)
    if len(cell) >= start + SHORTEST:
        aad = FIELD_CONTEXT + cell[:start] + field.context + field.binding.encode(bound)
        padded = rings.opener(cell[KEY_ID], field.frozen_label).open(cell, aad, start)
        if padded is not None:
            return cell, start, padded
    raise OpenFailed(field.frozen_label, pk, cell[KEY_ID].hex())


def reseal(field: Encrypted, held: Any, bound: Any, pk: object, present: bytes, *, anew: bool = False) -> bytes:
    """The same value in a new cell, under the primary key and with a tag of the primary index root.

    `present` is how a cell of today begins (inventory.present_start). A tag is kept if its root is the present one,
    unless `anew`: after a change of the normalizer it would be another. Raises what `opened` raises, and ValueError.
    """
    cell, start, padded = opened(field, held, bound, pk)
    head = present
    if field.search:
        kept = not anew and cell[1] == present[1]
        head += cell[BARE_HEADER:start] if kept else made_tag(field, padded)
    cipher = rings.opener(rings.data_ring().primary.id_bytes, field.frozen_label)
    aad = FIELD_CONTEXT + head + field.context + field.binding.encode(bound)
    return head + cipher.seal(padded, aad)


def made_tag(field: Encrypted, padded: bytes) -> bytes:
    """The tag of a padded plaintext under the primary index root."""
    return tags(field, padded)[0][1]


def tags(field: Encrypted, padded: bytes) -> list[tuple[bool, bytes]]:
    value = field.prepare(field.codec.decode(unpad(padded)))
    return field.search.tags(field, value) if field.search else []


def prove(field: Encrypted, held: Any, bound: Any, pk: object) -> None:
    """Open a cell to its value, and see that it is found by it.

    Raises what `opened` raises, and TagMismatch.
    """
    cell, start, padded = opened(field, held, bound, pk)
    field.codec.decode(unpad(padded))
    if start == BARE_HEADER:
        return
    odd, tag = bool(cell[1] & ODD_ROOT), cell[BARE_HEADER:start]
    if not any(root == odd and hmac.compare_digest(made, tag) for root, made in tags(field, padded)):
        raise TagMismatch(f"{field.frozen_label} of row {pk} opens, but a search would not find it.")


def tell(field: Encrypted, error: Exception, held: Any, pk: object) -> None:
    """Send signals.open_failed for a cell that was met in bulk, without an instance."""
    try:
        key_id = read_cell(held)[0][KEY_ID].hex()
    except EncryptionError:
        key_id = ""
    details = {"label": field.frozen_label, "key_id": key_id, "pk": str(pk)}
    open_failed.send(
        sender=field.model, target=None, outcome="error", changes=None, reason=type(error).__name__, details=details
    )


def sealed(field: Encrypted, value: Any, bound: Any, present: bytes) -> bytes:
    """A new cell for a value, in the row whose bound values these are.

    Raises ValueError, without the value, if it is not of the field's kind.
    """
    padded = pad(encoded(field, value))
    head = present + (made_tag(field, padded) if field.search else b"")
    cipher = rings.opener(rings.data_ring().primary.id_bytes, field.frozen_label)
    return head + cipher.seal(padded, FIELD_CONTEXT + head + field.context + field.binding.encode(bound))


def encoded(field: Encrypted, value: Any) -> bytes:
    """Codec byte and bytes of a value. Raises ValueError, without the value."""
    try:
        return field.codec.encode(field.prepare(value))
    except (ArithmeticError, AttributeError, TypeError, ValidationError, ValueError):
        kind = type(field.inner).__name__
    raise ValueError(f"{field.frozen_label} can't hold this value: its {kind} refused it.")
