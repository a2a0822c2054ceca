"""The canonical form, held against SPEC.md by code that shares nothing with the app's."""

import hashlib
import json
import re
import struct
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from apps.audit import canonical
from apps.audit.models import Event

SPEC = (Path(canonical.__file__).parent / "SPEC.md").read_text()
VECTOR = json.loads((Path(canonical.__file__).parent / "vectors" / "event-1.json").read_text())

texts = st.text(st.characters() | st.characters(codec=None, categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))


def digest_by_the_specification(columns: list[str]) -> str:
    joined = b"audit event 1\n"
    for text in columns:
        joined += struct.pack(">I", len(text.encode("utf-8"))) + text.encode("utf-8")
    return hashlib.sha256(joined).hexdigest()


@pytest.mark.asvs("16.4.2")
def test_the_digest_is_that_of_the_vector() -> None:
    assert canonical.digest(VECTOR["columns"].values()) == VECTOR["digest"]


def test_an_event_takes_its_digest_over_the_columns_of_the_vector_in_their_order() -> None:
    event = Event(**VECTOR["columns"] | {"id": UUID(VECTOR["columns"]["id"]), "schema": VECTOR["schema"]})
    assert list(VECTOR["columns"]) == list(Event.COLUMNS)
    assert event.computed_digest() == VECTOR["digest"]


def test_the_digest_covers_every_column_but_itself() -> None:
    assert {*Event.COLUMNS, "digest"} == {field.attname for field in Event._meta.concrete_fields}


@given(st.lists(st.text()))
def test_the_digest_is_the_one_of_the_specification(columns: list[str]) -> None:
    assert canonical.digest(columns) == digest_by_the_specification(columns)


@given(st.lists(st.text(), min_size=2, max_size=4), st.lists(st.text(), min_size=2, max_size=4))
def test_no_text_can_flow_from_one_column_into_the_next(one: list[str], other: list[str]) -> None:
    assert (canonical.digest(one) == canonical.digest(other)) == (one == other)


@pytest.mark.asvs("16.4.1")
@given(texts)
def test_harmless_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    safe = canonical.harmless(text)
    assert not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in safe)
    assert not any(
        unicodedata.bidirectional(each) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"} for each in safe
    )
    safe.encode("utf-8")


def test_the_harmful_characters_are_those_that_the_specification_lists() -> None:
    (listed,) = re.findall(r"escape, .*?: U\+(.*?)\.", SPEC, re.DOTALL)
    ends = [[int(end, 16) for end in part.split("–")] for part in re.split(r",\s", listed)]
    harmful = {code for first, *last in ends for code in range(first, (last or [first])[0] + 1)}
    assert {code for code in range(sys.maxunicode + 1) if canonical.harmless(chr(code)) != chr(code)} == harmful


@given(texts)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    safe = canonical.harmless(text)
    assert canonical.harmless(safe) == safe


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_letters_of_all_languages_are_kept(text: str) -> None:
    assert canonical.harmless(text) == text


@given(texts, st.integers(2, 50))
def test_a_line_is_never_longer_than_its_column_and_says_when_it_was_cut(text: str, longest: int) -> None:
    safe = canonical.line(text, longest)
    assert len(safe) <= longest
    whole = canonical.harmless(text)
    assert safe == whole if len(whole) <= longest else safe.endswith("…")


@pytest.mark.asvs("16.2.2")
@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - zones follow
def test_a_time_is_utc_of_one_length_and_sorts_as_text(when: datetime) -> None:
    text = canonical.moment(when)
    assert len(text) == 24
    assert text.endswith("Z")
    assert abs(datetime.fromisoformat(text) - when) < timedelta(milliseconds=1)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)), st.integers(0, 10**9))  # noqa: DTZ001 - UTC follows
def test_bounds_of_ids_are_bounds_of_time(bound: datetime, later: int) -> None:
    bound = bound.replace(tzinfo=UTC, microsecond=bound.microsecond // 1000 * 1000)
    milliseconds = (bound - canonical.EPOCH) // timedelta(milliseconds=1)
    random_part = 0x7ABC << 64 | 0b10 << 62 | later
    assert UUID(int=milliseconds << 80 | random_part) >= canonical.floor_of(bound)
    assert UUID(int=(milliseconds - 1) << 80 | random_part) < canonical.floor_of(bound)
    assert canonical.moment_of(UUID(int=milliseconds << 80 | random_part)) == bound


def test_an_id_made_now_tells_the_time_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    assert before <= canonical.moment_of(uuid7()) <= datetime.now(UTC)


def test_a_bound_before_1970_or_after_the_last_id_is_still_an_id() -> None:
    assert canonical.floor_of(datetime(1, 1, 1, tzinfo=UTC)).version == 7
    assert canonical.floor_of(datetime.max.replace(tzinfo=UTC)).version == 7
