"""Events by day and outcome, as numbers for a table and for an SVG that a template draws: a page of its own.

What is over does not change any more (the log only grows): counts are kept in the cache, so that a page counts the
last minutes alone. A transaction that commits later than that is counted when the cache forgets, after a day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Substr

from apps.audit.actions import Outcome
from apps.audit.canonical import moment
from apps.audit.queries import WINDOW, matching
from apps.audit.values import dumps

LONGEST: Final = timedelta(days=92)
DAY: Final = timedelta(days=1)
HEIGHT, WIDTH, GAP = 120, 960, 2
SETTLED: Final = timedelta(minutes=5)  # so long ago, nearly all transactions have been committed
NO_FILTERS: Final = {"before", "period", "since", "until"}  # days are counted whole
# From the bottom up. An SVG in an <img> takes no color from the page: these have 3:1 on its light and on its dark.
STACK: Final = {
    Outcome.SUCCESS: "#3d9970",
    Outcome.FAILURE: "#b07d1a",
    Outcome.DENIED: "#d64541",
    Outcome.ERROR: "#7d6fd0",
}

type Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Part:
    outcome: Outcome
    color: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    x: float
    width: float
    counts: Counts
    parts: list[Part]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def since(self) -> str:
        """This day's bounds, as the filters take them."""
        return f"{self.day}T00:00"

    @property
    def until(self) -> str:
        return f"{self.day + DAY}T00:00"

    @property
    def cells(self) -> list[int]:
        return [self.counts.get(outcome, 0) for outcome in STACK]


def days_of(filters: dict[str, Any]) -> list[date]:
    """Each day (UTC) of the filters' period; the last 92 if it is longer, the last 31 if it is open."""
    until = min(filters.get("until") or datetime.now(UTC), datetime.now(UTC))
    since = max(filters.get("since") or until - WINDOW, until - LONGEST)
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return [first + DAY * number for number in range((last - first).days + 1)]


def chart(filters: dict[str, Any]) -> list[Bar]:
    """A bar for each of the days."""
    days = days_of(filters)
    counts = counted(filters, days) if days else {}
    drawn = [counts.get(str(day), {}) for day in days]
    most = max((sum(each.values()) for each in drawn), default=0)
    width = WIDTH / max(len(days), 1)
    return [Bar(day, at * width, width - GAP, each, stacked(each, most))
            for at, (day, each) in enumerate(zip(days, drawn, strict=True))]  # fmt: skip


def stacked(counts: Counts, most: int) -> list[Part]:
    """From the bottom up. One refusal among thousands of successes is seen all the same."""
    parts: list[Part] = []
    top = float(HEIGHT)
    for outcome, color in STACK.items():
        if number := counts.get(outcome, 0):
            height = max(number / most * (HEIGHT - 8), 2)
            top -= height
            parts.append(Part(outcome, color, round(top, 2), round(height, 2)))
    return parts


def counted(filters: dict[str, Any], days: list[date]) -> dict[str, Counts]:
    """What the cache knows of the days from the first one on, and what the log adds to it."""
    rest = {name: value for name, value in filters.items() if value and name not in NO_FILTERS}
    key = f"audit-{sha256(dumps({'first': str(days[0]), 'rest': rest}).encode()).hexdigest()}"
    kept = cache.get(key) or {"through": moment(start_of(days[0])), "counts": {}}
    counts: dict[str, Counts] = kept["counts"]
    through, end = datetime.fromisoformat(kept["through"]), start_of(days[-1] + DAY)
    settled = min(datetime.now(UTC) - SETTLED, end)
    if settled - through > SETTLED:
        add(counts, rest, through, settled)
        through = settled
        cache.set(key, {"through": moment(through), "counts": counts}, timeout=int(DAY.total_seconds()))
    add(counts, rest, through, end)
    return counts


def add(counts: dict[str, Counts], filters: dict[str, Any], begin: datetime, end: datetime) -> None:
    rows = matching(filters | {"since": begin, "until": end}).order_by().annotate(day=Substr("occurred_at", 1, 10))
    for day, outcome, number in rows.values_list("day", "outcome").annotate(number=Count("*")):
        of_day = counts.setdefault(day, {})  # of none that is drawn, if somebody wrote another time into the row
        of_day[outcome] = of_day.get(outcome, 0) + number


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
