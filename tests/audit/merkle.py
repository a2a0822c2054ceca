"""The tree as RFC 9162 defines it, section 2.1, by recursion over all leaves: shares nothing with the app's."""

from collections.abc import Iterable
from hashlib import sha256


def root_of(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return sha256(b"\x01" + root_of(entries[:half]) + root_of(entries[half:])).digest()


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Section 2.1.4.2, step by step."""
    if old == new:
        return not path and old_root == new_root
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if not path:
        return False
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = sha256(b"\x01" + node + first).digest(), sha256(b"\x01" + node + second).digest()
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = sha256(b"\x01" + second + node).digest()
        here, last = here >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


def root_by_inclusion(leaf: bytes, position: int, size: int, path: Iterable[bytes]) -> bytes:
    """The root that a path proves (RFC 9162, 2.1.3.2). Raises ValueError if it can't be a path of this place."""
    node, here, last = leaf, position, size - 1
    if not 0 <= position < size:
        raise ValueError(f"A tree of {size} leaves has none at position {position}.")
    for neighbor in path:
        if last == 0:
            raise ValueError("The path is too long.")
        if here & 1 or here == last:
            node = sha256(b"\x01" + neighbor + node).digest()
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + neighbor).digest()
        here, last = here >> 1, last >> 1
    if last:
        raise ValueError("The path is too short.")
    return node
