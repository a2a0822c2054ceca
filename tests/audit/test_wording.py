"""Events as sentences: readable, and with no way from a text into the program."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.models import Event
from apps.audit.wording import sentence, shown

WORDS = {"actor": "ann@example.org", "target": "Invoice 7", "reason": "", "details.to": "bob@example.org"}


@pytest.mark.parametrize(
    ("wording", "expected"),
    [
        ("{actor} shared {target} with {details.to}", "ann@example.org shared Invoice 7 with bob@example.org"),
        ("viewed {target}", "ann@example.org viewed Invoice 7"),
        ("The roles were written", "The roles were written"),
        ("{actor} was refused: {reason}", "ann@example.org was refused: (not said)"),
        ("{actor} gave {details.role}", "ann@example.org gave (not said)"),
    ],
)
def test_a_wording_becomes_a_sentence(wording: str, expected: str) -> None:
    assert sentence(wording, WORDS) == expected


@given(st.text(), st.text())
def test_text_is_put_in_as_it_is_whatever_braces_it_has(actor: str, target: str) -> None:
    said = sentence("{actor} viewed {target}", {"actor": actor or "x", "target": target or "y"})
    assert said == f"{actor or 'x'} viewed {target or 'y'}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "(empty)"),
        ("", "(empty)"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        ([1, "two"], "1, two"),
        ([], "(empty)"),
        ({"a": 1, "b": [True]}, "a: 1, b: yes"),
        ({"cut": "abc", "length": 900, "sha256": "f00"}, "abc… (cut; 900 long, SHA-256 f00)"),
    ],
)
def test_values_are_shown_in_words(value: Any, expected: str) -> None:
    assert shown(value) == expected


def event(**columns: Any) -> Event:
    return Event(**{"actor_label": "ann@example.org", "occurred_at": "2026-01-01T00:00:00.000Z"} | columns)


def test_an_event_tells_its_sentence() -> None:
    told = event(action="testapp.thing.changed", target_label="a thing", details='{"to":"blue"}')
    assert told.sentence == "ann@example.org changed a thing to blue"


def test_an_event_of_an_action_that_no_app_knows_any_more_is_still_told() -> None:
    told = event(action="gone.thing.done")
    assert told.sentence == "ann@example.org: gone.thing.done"
    assert told.kept_until is None


def test_who_acted_for_whom_is_said() -> None:
    told = event(action="testapp.thing.viewed", target_label="it", on_behalf_of='{"label":"bob@example.org"}')
    assert told.sentence == "ann@example.org (for bob@example.org) viewed it"


@pytest.mark.parametrize("text", ["not json", "[]", "7", '"text"'])
def test_a_row_edited_by_hand_into_nonsense_is_still_shown(text: str) -> None:
    told = event(action="testapp.thing.changed", changes=text, details=text, on_behalf_of=text, occurred_at="yesterday")
    assert told.time is None
    assert "changed" in told.sentence
    assert [row.field for row in told.change_rows()] == ["unreadable"]
    assert [name for name, _ in told.detail_rows()] == ["unreadable"]
    assert not told.is_intact


def test_changes_show_old_and_new_and_of_secrets_only_that_they_changed() -> None:
    told = event(action="testapp.thing.changed", changes='{"notes":"changed","title":["a",null]}')
    assert list(told.change_rows()) == [("notes", "(secret)", "(secret)"), ("title", "a", "(empty)")]


def test_an_event_says_until_when_it_is_kept() -> None:
    until = event(action="testapp.thing.changed").kept_until
    assert until is not None
    assert (until.year, until.month) == (2027, 2)
