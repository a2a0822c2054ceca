"""Events by day and outcome, as numbers for an SVG that the template draws.

Days that are over do not change any more (the log only grows): their counts are kept in the cache, so that a page
counts the last two alone. A transaction that commits late is counted within a day.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Substr

from apps.audit.actions import Outcome
from apps.audit.queries import WINDOW, matching
from apps.audit.values import dumps

LONGEST: Final = timedelta(days=92)
DAY: Final = timedelta(days=1)
HEIGHT, WIDTH, GAP = 120, 960, 2
NO_FILTERS: Final = {"before", "period", "since", "until"}  # days are counted whole
STACK: Final = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.DENIED, Outcome.ERROR)  # from the bottom up

type Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Part:
    outcome: str
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


def chart(filters: dict[str, Any]) -> list[Bar]:
    """A bar for each day (UTC) of the filters' period; of its last 92 if it is longer, of the last 31 if it is open."""
    until = min(filters.get("until") or datetime.now(UTC), datetime.now(UTC))
    since = max(filters.get("since") or until - WINDOW, until - LONGEST)
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    days = [first + DAY * number for number in range((last - first).days + 1)]
    counts = counted(filters, days)
    most = max((sum(each.values()) for each in counts.values()), default=0)
    width = WIDTH / max(len(days), 1)
    return [Bar(day, number * width, width - GAP, counts[day], stacked(counts[day], most))
            for number, day in enumerate(days)]  # fmt: skip


def stacked(counts: Counts, most: int) -> list[Part]:
    """From the bottom up. One refusal among thousands of successes is seen all the same."""
    parts: list[Part] = []
    top = float(HEIGHT)
    for outcome in STACK:
        if number := counts.get(outcome, 0):
            height = max(number / most * (HEIGHT - 8), 2)
            top -= height
            parts.append(Part(outcome, round(top, 2), round(height, 2)))
    return parts


def counted(filters: dict[str, Any], days: list[date]) -> dict[date, Counts]:
    """Asks the log for the days that the cache does not know, and keeps those that are over."""
    rest = {name: value for name, value in filters.items() if value and name not in NO_FILTERS}
    asked = sha256(dumps(rest).encode()).hexdigest()
    keys = {day: f"audit-{asked}-{day}" for day in days}
    cached = cache.get_many(keys.values())
    known = {day: cached[key] for day, key in keys.items() if key in cached}
    if missing := [day for day in days if day not in known]:
        fresh = ask(rest, missing[0], missing[-1])
        known |= {day: fresh.get(day, {}) for day in missing}
        over = datetime.now(UTC).date() - DAY
        cache.set_many({keys[day]: known[day] for day in missing if day < over}, timeout=int(DAY.total_seconds()))
    return known


def ask(filters: dict[str, Any], first: date, last: date) -> dict[date, Counts]:
    bounds = {"since": start_of(first), "until": start_of(last + DAY)}
    rows = matching(filters | bounds).order_by().annotate(day=Substr("occurred_at", 1, 10))
    found: dict[date, Counts] = {}
    for day, outcome, number in rows.values_list("day", "outcome").annotate(number=Count("id")):
        with suppress(ValueError):  # somebody wrote a text into the row that is no time: the list shows it
            found.setdefault(date.fromisoformat(day), {})[outcome] = number
    return found


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
