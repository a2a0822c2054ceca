"""How benchmarks end: with each bar, and with how many are held."""

import pytest

from benchmarks.bars import Bar, judged

MOST, LEAST = Bar("milliseconds", 2, 2.0), Bar("times faster", 3, 3.0, at_least=True)


def test_a_bar_is_held_at_its_limit_and_missed_beyond_it() -> None:
    assert MOST.held
    assert LEAST.held
    assert not MOST._replace(measured=2.01).held
    assert not LEAST._replace(measured=2.99).held


def test_a_benchmark_ends_with_how_many_bars_are_held(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged([MOST, LEAST]) == 0
    assert capsys.readouterr().out.endswith("\n2 of 2 bars held\n")


def test_a_benchmark_with_a_missed_bar_fails_and_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged([MOST, LEAST._replace(measured=1.7)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed if "(" in line] == ["held", "MISSED"]
    assert "1.70  (≥ 3)" in printed[-3]
    assert printed[-1] == "1 of 2 bars held"
