"""Every value comes back as it was, and bytes that no codec wrote are refused as such."""

import datetime
import decimal
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.encryption import codecs
from apps.encryption.errors import UnknownFormat


def naive(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time())


ZONES = st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=45))])
FIRST, LAST = naive(datetime.date(2, 1, 1)), naive(datetime.date(9998, 1, 1))  # within them every zone has a year
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
VALUES: list[tuple[codecs.Codec, st.SearchStrategy[Any]]] = [
    (codecs.TEXT, st.text()),
    (codecs.INTEGER, st.integers()),
    (codecs.decimal_codec(12, 3), st.decimals(min_value=-(10**8), max_value=10**8, places=3)),
    (codecs.FLOAT, st.floats(allow_nan=False)),
    (codecs.BOOLEAN, st.booleans()),
    (codecs.DATE, st.dates()),
    (codecs.DATETIME, st.datetimes(FIRST, LAST) | st.datetimes(FIRST, LAST, timezones=ZONES)),
    (codecs.TIME, st.times()),
    (codecs.DURATION, st.timedeltas()),
    (codecs.UUID, st.uuids()),
    (codecs.json_codec(None, None), JSON),
    (codecs.BINARY, st.binary()),
]
each_codec = pytest.mark.parametrize(("codec", "values"), VALUES, ids=[codec.name for codec, _ in VALUES])


@each_codec
def test_a_value_comes_back_equal_and_of_its_type(codec: codecs.Codec, values: st.SearchStrategy[Any]) -> None:
    @given(value=values)
    def comes_back(value: Any) -> None:
        found = codec.decode(codec.encode(value))
        assert (type(found), found) == (type(value), value)

    comes_back()


@each_codec
def test_any_other_bytes_are_refused_as_an_unknown_format(codec: codecs.Codec, values: st.SearchStrategy[Any]) -> None:
    @given(encoded=st.binary(max_size=40))
    def decodes_or_is_refused(encoded: bytes) -> None:
        for plaintext in (encoded, codec.start + encoded):
            try:
                codec.decode(plaintext)
            except UnknownFormat:
                continue

    decodes_or_is_refused()


def test_the_bytes_of_the_codecs_are_all_different_and_their_names_too() -> None:
    assert len({codec.start for codec, _ in VALUES}) == len({codec.name for codec, _ in VALUES}) == len(VALUES) == 12


@given(value=st.integers())
def test_an_integer_has_one_form_only(value: int) -> None:
    encoded = codecs.INTEGER.encode(value)
    longer = encoded[:1] + (b"\xff" if value < 0 else b"\0") + encoded[1:]
    with pytest.raises(UnknownFormat):
        codecs.INTEGER.decode(longer)


def test_a_float_that_is_no_number_stays_none() -> None:
    assert math.isnan(codecs.FLOAT.decode(codecs.FLOAT.encode(math.nan)))


@pytest.mark.parametrize("value", [decimal.Decimal("NaN"), decimal.Decimal("Infinity"), decimal.Decimal(123456)])
def test_a_decimal_that_its_field_has_no_room_for_is_refused(value: decimal.Decimal) -> None:
    with pytest.raises(ValueError, match="decimal"):
        codecs.decimal_codec(5, 2).encode(value)


def test_a_decimal_has_the_places_that_its_field_declares() -> None:
    assert str(codecs.decimal_codec(8, 2).decode(codecs.decimal_codec(8, 2).encode(decimal.Decimal("3.1")))) == "3.10"


def test_text_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        codecs.TEXT.encode("\ud800")


def test_json_that_other_readers_refuse_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codecs.json_codec(None, None).encode([math.nan])
