"""The strict base of forms refuses what was not asked for."""

import pytest
from django import forms
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from config.security.forms import StrictForm


class TitleForm(StrictForm):
    title = forms.CharField(max_length=20)
    text = forms.CharField(required=False, widget=forms.Textarea)
    when = forms.SplitDateTimeField(required=False)


def codes(query: str) -> list[str]:
    form = TitleForm(QueryDict(query))
    return [error.code or "" for errors in form.errors.as_data().values() for error in errors]


def test_a_plain_form_is_accepted() -> None:
    assert codes("title=Hello&csrfmiddlewaretoken=x&when_0=2026-01-01&when_1=10:00") == []


@pytest.mark.asvs("15.3.3")
def test_a_field_that_the_form_does_not_have_is_refused() -> None:
    assert codes("title=Hello&is_superuser=on") == ["unknown_field"]


@pytest.mark.asvs("15.3.7")
def test_a_field_sent_twice_is_refused() -> None:
    assert codes("title=Hello&title=Other") == ["repeated_field"]


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("character", ["\x1b", "\x08", "\u202e", "\x7f"])
def test_a_hidden_character_is_refused(character: str) -> None:
    form = TitleForm({"title": f"a{character}b"})
    assert [error.code for error in form.errors.as_data()["title"]] == ["control_character"]


@pytest.mark.asvs("2.2.1")
def test_a_line_break_is_refused_where_there_is_one_line() -> None:
    form = TitleForm({"title": "a\nb", "text": "a\n\tb"})
    assert [error.code for error in form.errors.as_data()["title"]] == ["control_character"]
    assert "text" not in form.errors


@given(st.dictionaries(st.text(), st.text()))
def test_no_posted_names_make_a_form_fail(data: dict[str, str]) -> None:
    TitleForm(data).is_valid()


def test_a_browser_is_not_told_to_cut_what_is_pasted() -> None:
    assert "maxlength" not in str(TitleForm()["title"])
    assert codes("title=" + "x" * 21) == ["max_length"]
