"""The Merkle tree, held against figures of Certificate Transparency and a plain recursion of RFC 9162."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit import tree
from apps.audit.tree import Grown, Tree, leaf_hash
from tests.audit.merkle import is_consistent, root_by_inclusion, root_of

VECTOR = json.loads((Path(tree.__file__).parent / "vectors" / "tree-1.json").read_text())
ENTRIES = [bytes.fromhex(entry) for entry in VECTOR["entries"]]

pytestmark = pytest.mark.asvs("11.4.1")


def grown(entries: list[bytes], begin: int = 0) -> Grown:
    before = planted(entries[:begin])
    return Grown(before, [leaf_hash(entry) for entry in entries[begin:]])


def planted(entries: list[bytes]) -> Tree:
    made = Tree()
    for entry in entries:
        made.append(leaf_hash(entry))
    return made


@pytest.mark.parametrize("size", range(9))
def test_the_root_of_each_size_is_that_of_the_vector(size: int) -> None:
    assert planted(ENTRIES[:size]).root().hex() == VECTOR["roots"][size]


@pytest.mark.parametrize("given", VECTOR["inclusion"], ids=lambda given: given["position"])
def test_an_inclusion_proof_is_that_of_the_vector(given: dict[str, Any]) -> None:
    path = grown(ENTRIES).inclusion(given["position"])
    assert [node.hex() for node in path] == given["path"]


@pytest.mark.parametrize("given", VECTOR["consistency"], ids=lambda given: f"{given['from']} to {given['to']}")
def test_a_consistency_proof_is_that_of_the_vector(given: dict[str, Any]) -> None:
    path = grown(ENTRIES[: given["to"]], given["from"]).consistency()
    assert [node.hex() for node in path] == given["path"]


entries = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


@given(entries, st.data())
def test_a_stored_frontier_is_enough_to_go_on_and_to_prove_what_came_since(given: list[bytes], data: Any) -> None:
    begin = data.draw(st.integers(0, len(given) - 1))
    before = planted(given[:begin])
    after = Tree.of(begin, before.packed())
    for entry in given[begin:]:
        after.append(leaf_hash(entry))
    root = root_of(given)
    assert after.root() == root
    proofs = grown(given, begin)
    position = data.draw(st.integers(begin, len(given) - 1))
    path = proofs.inclusion(position)
    assert root_by_inclusion(leaf_hash(given[position]), position, len(given), path) == root
    if begin:
        assert is_consistent(begin, len(given), before.root(), root, proofs.consistency())


@given(entries, st.data())
def test_a_proof_of_another_leaf_place_or_path_leads_to_another_root(given: list[bytes], data: Any) -> None:
    position = data.draw(st.integers(0, len(given) - 1))
    path, root = grown(given).inclusion(position), root_of(given)
    assert root_by_inclusion(leaf_hash(given[position] + b"x"), position, len(given), path) != root
    for index in range(len(path)):
        changed = [*path[:index], bytes(32), *path[index + 1 :]]
        assert root_by_inclusion(leaf_hash(given[position]), position, len(given), changed) != root


@pytest.mark.parametrize(
    ("position", "size", "path"), [(0, 8, [bytes(32)]), (0, 1, [bytes(32)]), (8, 8, []), (-1, 8, [])]
)
def test_a_path_that_fits_no_tree_is_refused(position: int, size: int, path: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"tree of|too long|too short"):
        root_by_inclusion(bytes(32), position, size, path)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="5 leaves has a frontier of 2"):
        Tree.of(5, bytes(32))
