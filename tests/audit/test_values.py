"""What changes and details may hold: plain, harmless, bounded; and never what nobody has thought of."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from apps.audit import values
from apps.audit.errors import Unserializable
from apps.audit.values import CHANGED, changes_text, json_text
from tests.testapp.models import Thing

trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.decimals()
    | st.uuids(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=20), trees, max_size=6))
def test_every_column_is_one_line_of_canonical_json_within_its_bound(mapping: dict[str, Any]) -> None:
    text = json_text(mapping)
    assert text.isprintable() or not any(each in text for each in "\n\r\x1b\x00\u2028\u202e")
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
    assert len(text) <= values.JSON_MAX


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_does_not_matter(mapping: dict[str, int]) -> None:
    assert json_text(mapping) == json_text(dict(reversed(mapping.items())))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 1, 1, tzinfo=UTC), "2026-01-01T01:00:00.000Z"),
        (datetime(2026, 1, 1, 1), "2026-01-01T01:00:00"),  # noqa: DTZ001 - a naive one on purpose
        (date(2026, 1, 1), "2026-01-01"),
        (timedelta(minutes=1), "0:01:00"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (gettext_lazy("Yes"), "Yes"),
        (2**64, "0x10000000000000000"),
        (2**64 - 1, 2**64 - 1),
        (float("nan"), "nan"),
        (True, True),
        (None, None),
        ({3, 1}, [1, 3]),
        ((1, "a"), [1, "a"]),
        (Thing(pk=7), "testapp.thing:7"),
    ],
)
def test_known_types_have_one_form(value: Any, expected: Any) -> None:
    assert json.loads(json_text({"value": value})) == {"value": expected}


def test_a_number_too_long_for_python_to_print_is_cut() -> None:
    assert json.loads(json_text({"n": 10**10_000}))["n"]["length"] > 8_000


@pytest.mark.asvs("16.2.5")
def test_a_type_that_nobody_has_thought_of_is_refused_without_its_content() -> None:
    class Secret:
        def __repr__(self) -> str:
            return "hunter2"

    with pytest.raises(Unserializable, match=r"details\.card is a Secret") as raised:
        json_text({"details": {"card": Secret()}})
    assert "hunter2" not in str(raised.value)


class Kind(Enum):
    NEW = "new"


def test_a_plain_enum_is_refused_since_only_its_owner_knows_what_it_means() -> None:
    with pytest.raises(Unserializable):
        json_text({"kind": Kind.NEW})


@pytest.mark.asvs("16.2.5")
def test_bytes_are_never_kept() -> None:
    cut = json.loads(json_text({"key": b"secret key"}))["key"]
    assert cut == {"cut": "", "length": 10, "sha256": hashlib.sha256(b"secret key").hexdigest()}


def test_a_ten_megabyte_value_is_cut_and_its_digest_kept() -> None:
    huge = "é" * 10_000_000
    text = changes_text({"notes": ["", huge]})
    assert len(text) < 1_000
    kept = json.loads(text)["notes"][1]
    assert kept == {"cut": "é" * 200, "length": 10_000_000, "sha256": hashlib.sha256(huge.encode()).hexdigest()}


def test_a_thousand_changed_fields_are_cut_to_their_names_and_a_digest() -> None:
    text = changes_text({f"field{number:04}": ["a" * 400, "b" * 400] for number in range(1_000)})
    cut = json.loads(text)["cut"]
    assert len(text) < 5_000
    assert cut["names"][:2] == ["field0000", "field0001"]
    assert len(cut["sha256"]) == 64


def test_what_refers_to_itself_is_refused_and_not_followed_for_ever() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(Unserializable, match="nested deeper"):
        json_text({"loop": loop})


def test_what_is_nested_deep_is_cut_there_and_its_digest_kept() -> None:
    deep: Any = {"b": "x" * 600, "a": [1]}
    whole = {"l": [[[[[deep, 2]]]]]}
    kept = json.loads(json_text({"top": whole}))["top"]["l"][0][0][0][0]
    canonical = '{"a":[1],"b":"' + "x" * 600 + '"}'
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert kept == [{"cut": "", "length": len(canonical), "sha256": digest}, 2]


def test_what_is_nested_deep_and_is_no_json_is_refused() -> None:
    with pytest.raises(Unserializable, match="nested deeper than 6 levels, and is no JSON there"):
        json_text({"top": [[[[[[[object()]]]]]]]})


@given(st.text(min_size=1), st.integers(95, 110), st.text(max_size=3))
def test_long_names_that_begin_alike_stay_two_and_short_ones_as_they_are(start: str, size: int, end: str) -> None:
    long = (start * size)[:size]
    names = {long, long + end, long + end + end}
    kept = json.loads(json_text(dict.fromkeys(names, 1)))
    assert len(kept) == len(names) if all(name.isprintable() for name in names) else len(kept) <= len(names)
    assert all(len(name) <= 100 for name in kept)


@pytest.mark.parametrize("change", ["new", ["only new"], [1, 2, 3], None, {"old": 1}])
def test_a_change_is_a_pair_or_the_marker(change: Any) -> None:
    with pytest.raises(Unserializable, match=r"\[old, new\]"):
        changes_text({"title": change})


@pytest.mark.asvs("16.2.5")
def test_an_encrypted_field_is_only_said_to_have_changed() -> None:
    assert changes_text({"national_id": CHANGED}) == '{"national_id":"changed"}'


@pytest.mark.asvs("16.2.5")
def test_a_sensitive_action_keeps_no_value_even_if_it_is_given_some() -> None:
    assert changes_text({"pin": ["1234", "5678"]}, sensitive=True) == '{"pin":"changed"}'


def test_no_changes_are_an_empty_mapping() -> None:
    assert changes_text(None) == changes_text({}) == json_text({}) == "{}"
