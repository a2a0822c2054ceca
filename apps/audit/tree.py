"""The Merkle tree of RFC 9162, section 2.1. It is only ever appended to, and keeps log n hashes to go on from.

Leaf and node hashes begin with different bytes, so that no inner node can pass for an entry (a second preimage).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

LEAF: Final = b"\x00"
NODE: Final = b"\x01"
HASH_SIZE: Final = 32


def leaf_hash(entry: bytes) -> bytes:
    return sha256(LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()


@dataclass(slots=True)
class Tree:
    """frontier: the roots of the perfect subtrees which the leaves so far make up, the largest first."""

    size: int = 0
    frontier: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, packed: bytes) -> Self:
        """The tree whose frontier was stored as one row of hashes. Raises ValueError if it can't be of this size."""
        frontier = [packed[at : at + HASH_SIZE] for at in range(0, len(packed), HASH_SIZE)]
        if len(packed) != HASH_SIZE * size.bit_count():
            raise ValueError(f"A tree of {size} leaves has a frontier of {size.bit_count()} hashes.")
        return cls(size, frontier)

    def append(self, leaf: bytes) -> None:
        node, size = leaf, self.size
        while size & 1:
            node, size = node_hash(self.frontier.pop(), node), size >> 1
        self.frontier.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.frontier:
            return sha256().digest()
        root = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            root = node_hash(left, root)
        return root

    def packed(self) -> bytes:
        return b"".join(self.frontier)


class Grown:
    """A tree and the leaves that were appended to it: enough to prove what is among them, and that they were appended.

    All left neighbors of their paths are in the frontier or made of the new leaves.
    """

    def __init__(self, before: Tree, leaves: Sequence[bytes]) -> None:
        self.begin, self.size = before.size, before.size + len(leaves)
        self.known = {(before.size + at, before.size + at + 1): leaf for at, leaf in enumerate(leaves)}
        low = 0
        for node in before.frontier:
            high = low + (1 << (before.size - low).bit_length() - 1)
            self.known[low, high], low = node, high

    def node(self, low: int, high: int) -> bytes:
        if (low, high) not in self.known:
            middle = low + split(high - low)
            self.known[low, high] = node_hash(self.node(low, middle), self.node(middle, high))
        return self.known[low, high]

    def inclusion(self, position: int) -> list[bytes]:
        """The audit path of an appended leaf, from its neighbor up (RFC 9162, 2.1.3.1)."""
        return self._path(position, 0, self.size)

    def _path(self, position: int, low: int, high: int) -> list[bytes]:
        if high - low == 1:
            return []
        middle = low + split(high - low)
        if position < middle:
            return [*self._path(position, low, middle), self.node(middle, high)]
        return [*self._path(position, middle, high), self.node(low, middle)]

    def consistency(self) -> list[bytes]:
        """That the tree before is the beginning of this one (RFC 9162, 2.1.4.1). Nothing proves the empty one."""
        return self._subproof(0, self.size, whole=True) if self.begin else []

    def _subproof(self, low: int, high: int, *, whole: bool) -> list[bytes]:
        if high == self.begin:
            return [] if whole else [self.node(low, high)]
        middle = low + split(high - low)
        if self.begin <= middle:
            return [*self._subproof(low, middle, whole=whole), self.node(middle, high)]
        return [*self._subproof(middle, high, whole=False), self.node(low, middle)]


def split(count: int) -> int:
    """The largest power of two below `count`: how many leaves go to the left."""
    return 1 << (count - 1).bit_length() - 1
