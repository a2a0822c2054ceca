"""Measured numbers beside the bars that they are held to: how each benchmark ends."""

from collections.abc import Iterable
from typing import NamedTuple


class Bar(NamedTuple):
    what: str
    limit: float
    measured: float
    at_least: bool = False

    @property
    def held(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"  {'held  ' if self.held else 'MISSED'}  {self.what:84} {self.measured:9.2f}  ({sign} {self.limit:g})"


def judged(bars: Iterable[Bar]) -> int:
    """Print each bar, and last how many are held. The status to exit with: 1 if one is not."""
    every = list(bars)
    held = sum(bar.held for bar in every)
    print("", *every, f"\n{held} of {len(every)} bars held", sep="\n")
    return 0 if held == len(every) else 1
