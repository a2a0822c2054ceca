"""A short tag is shared by different values: the database shows less, and a search opens and compares what it finds."""

import pytest
from django.core.exceptions import FieldError
from hypothesis import given
from hypothesis import strategies as st

from apps.encryption.search import Exact
from tests.encryption.test_fields import raw
from tests.testapp.models import Member, Patient

CITIES = ["Bern", "Basel", "Chur", "Genf", "Linz", "Wien", "Graz", "Ulm", "Köln", "Bonn", "Trier", "Mainz"]


@pytest.mark.django_db
def test_matching_gives_the_rows_that_have_the_value_and_the_tag_alone_gives_more() -> None:
    made = Member.objects.bulk_create([Member(city=city) for city in [*CITIES, "BERN ", None]])
    assert [bytes(raw(member, "city"))[7:22] for member in made if member.city] == [b"\0" * 15] * 13
    found = [{member.city for member in Member.objects.matching(city=city)} for city in ("bern", "Oslo", None)]
    assert found == [{"Bern", "BERN "}, set(), {None}]
    assert max(Member.objects.filter(city__maybe=city).count() for city in CITIES) > 2  # 12 values, 4 tags
    assert len(Member.objects.filter(pk=made[0].pk).matching(city="BERN", email=None)) == 1


@pytest.mark.django_db
def test_matching_works_with_whole_tags_too_and_not_without_any() -> None:
    Patient.objects.create(name="Ada", national_id="12-34", weight=60)
    assert len(Patient.objects.matching(national_id="1234", weight=60)) == 1
    assert Patient.objects.matching(national_id="1234", weight=61) == []
    for name in ("name", "title", "clinic__motto", "nothing"):
        with pytest.raises(FieldError, match=r"has no search=Exact"):
            Patient.objects.matching(**{name: "x"})


@pytest.mark.parametrize("lookup", ["city", "city__in", "city__exact"])
def test_a_filter_that_would_give_rows_with_other_values_is_refused(lookup: str) -> None:
    with pytest.raises(FieldError, match=r"matching\(city=…\)"):
        Member.objects.filter(**{lookup: ["Bern"]})


def test_other_lookups_say_which_are_possible() -> None:
    with pytest.raises(FieldError, match="Possible: __isnull, __maybe"):
        Member.objects.filter(city__icontains="B")


@pytest.mark.parametrize("bits", [0, 65, -1])
def test_a_number_of_bits_that_hides_nothing_or_all_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="1 to 64 bits"):
        Exact(bits=bits)


@given(st.integers(1, 64), st.text(max_size=20))
def test_a_short_tag_keeps_its_first_bits_and_no_other(bits: int, text: str) -> None:
    field = Member._meta.get_field("city")
    tags = Exact(bits=bits).tags(field, text)
    assert all(int.from_bytes(tag) & ((1 << (128 - bits)) - 1) == 0 and len(tag) == 16 for _, tag in tags)


def test_the_number_of_bits_is_part_of_the_index_and_of_the_migration() -> None:
    field = Member._meta.get_field("city")
    assert Exact("email-1", bits=8) != Exact("email-1", bits=9) != Exact("email-1")
    short, shorter = (Exact(bits=bits).tags(field, "x")[0][1] for bits in (64, 63))
    assert short[:4] != shorter[:4]  # another key, not the same tag cut
    assert Exact("email-1", bits=8).deconstruct() == ("apps.encryption.search.Exact", ("email-1",), {"bits": 8})
