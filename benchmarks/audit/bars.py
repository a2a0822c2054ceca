"""A measured ratio beside the bar that it is held to."""

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
        return f"  {'held  ' if self.held else 'MISSED'}  {self.what:66} {self.measured:8.2f}  ({sign} {self.limit:g})"
