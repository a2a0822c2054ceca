"""Ten megabytes in one change: cut, with a digest over the whole, in bounded memory; the row itself is kept whole."""

import json
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from apps.audit import values
from tests.audit.events import told
from tests.testapp.models import Author, Book

pytestmark = pytest.mark.django_db

MEGABYTES = 10 * 1024 * 1024
HUGE = "0123456789abcdef" * (MEGABYTES // 16)
TREE = {f"key {number}": ["é" * 40, number, None] for number in range(MEGABYTES // 64)}


def peak_of(act: Callable[[], Any]) -> int:
    """Bytes that were allocated at most, beyond those from before."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def change() -> Any:
    event = told().reverse()[0]
    assert event.is_intact
    assert len(event.changes) < 2_000
    return json.loads(event.changes)


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_text_is_saved_whole_and_told_of_by_its_digest() -> None:
    author = Author.objects.create(name="short")
    author.name = HUGE
    author.save()
    assert change()["name"] == ["short", {"cut": HUGE[:200], "length": MEGABYTES, "sha256": digest_of(HUGE)}]
    assert Author.objects.get(pk=author.pk).name == HUGE
    author = Author.objects.get(pk=author.pk)
    author.name = HUGE[:-1] + "!"
    author.save()
    old, new = change()["name"]
    assert (old["sha256"], new["sha256"]) == (digest_of(HUGE), digest_of(HUGE[:-1] + "!"))


def test_a_tree_is_saved_whole_and_told_of_by_the_digest_over_its_canonical_form() -> None:
    book = Book.objects.create(title="Emma")
    book.extra = TREE
    book.save()
    cut = change()["cut"]
    whole = json.dumps({"extra": [{}, TREE]}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert cut == {"cut": "", "length": len(whole), "names": ["extra"], "sha256": digest_of(whole)}
    assert Book.objects.get(pk=book.pk).extra == TREE


def test_a_fixture_of_bytes_is_told_of_by_its_digest() -> None:
    book = Book.objects.create(title="Emma")
    book.cover = HUGE.encode()
    book.save()
    assert change()["cover"] == [None, {"cut": "", "length": MEGABYTES, "sha256": digest_of(HUGE)}]


WAYS: dict[str, Callable[[Author], Any]] = {
    "update": lambda author: Author.objects.update(name=HUGE),
    "bulk_create": lambda author: Author.objects.bulk_create([Author(name=HUGE)]),
    "bulk_update": lambda author: Author.objects.bulk_update([Author(pk=author.pk, name=HUGE)], ["name"]),
}


@pytest.mark.parametrize("how", WAYS)
def test_so_is_a_text_that_is_saved_in_bulk(how: str) -> None:
    WAYS[how](Author.objects.create(name="short"))
    kept = [each for each in change()["name"] if isinstance(each, dict)]
    assert [each["sha256"] for each in kept] == [digest_of(HUGE)]


def test_telling_of_a_text_takes_no_more_than_one_copy_of_it() -> None:
    other = HUGE[:-1] + "!"
    assert peak_of(lambda: values.changes_text({"name": [HUGE, other]})) < 1.2 * MEGABYTES


def test_telling_of_a_tree_takes_a_few_times_its_size() -> None:
    tree = dict(list(TREE.items())[: len(TREE) // 10])
    size = len(json.dumps(tree, ensure_ascii=False).encode())
    assert peak_of(lambda: values.changes_text({"extra": [{}, tree]})) < 4 * size
