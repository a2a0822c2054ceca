"""What Prometheus reads at /metrics: counts and times, by names from the code. Never a value, a row or a person.

Several processes count into one folder, PROMETHEUS_MULTIPROC_DIR, which deploy/gunicorn.conf.py makes.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count
from django.dispatch import receiver
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from apps.audit.actions import Outcome, registered
from apps.audit.canonical import floor_of
from apps.audit.live import committed, lost
from apps.audit.models import Event
from apps.audit.seals import status
from apps.encryption.signals import open_failed, reveal_refused, revealed

LATELY: Final = timedelta(minutes=10)

EVENTS = Counter("audit_events", "Events of the audit log.", ["action", "category", "outcome"])
LOST = Counter("audit_write_failures", "Events that could not be written, whose actions were rolled back.")
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REQUESTS = Histogram("http_request_duration_seconds", "By route and status.", ["route", "status"], buckets=SECONDS)
OPEN_FAILED = Counter("encryption_open_failed", "Encrypted values that could not be opened.", ["reason", "field"])
REVEALED = Counter("encryption_revealed", "Masked values shown in full.", ["field"])
REVEAL_REFUSED = Counter("encryption_reveal_refused", "Refused requests to see a value.", ["field"])


@receiver(open_failed)
def count_unopened(reason: str, details: dict[str, Any], **kwargs: Any) -> None:
    """Of these three: heard before the audit log hears (config.apps), so that what it can't record is counted too."""
    OPEN_FAILED.labels(reason, details["label"]).inc()


@receiver(revealed)
def count_revealed(details: dict[str, Any], **kwargs: Any) -> None:
    REVEALED.labels(details["label"]).inc()


@receiver(reveal_refused)
def count_reveal_refused(details: dict[str, Any], **kwargs: Any) -> None:
    REVEAL_REFUSED.labels(details["label"]).inc()


@receiver(committed)
def count_events(events: list[Event], **kwargs: Any) -> None:
    for event in events:
        EVENTS.labels(event.action, category_of(event.action), event.outcome).inc()


@receiver(lost)
def count_lost(**kwargs: Any) -> None:
    LOST.inc()


def category_of(action: str) -> str:
    known = registered().get(action)
    return known.category if known else "unknown"


def begin_at_zero() -> None:
    """Show every counter before its first event: Prometheus sees no increase in one that appears with it."""
    for action in registered().values():
        for outcome in Outcome:
            EVENTS.labels(action.name, action.category, outcome)


class OfTheLog(Collector):
    """What is asked of the database when Prometheus asks."""

    def collect(self) -> Iterator[Metric]:
        yield gauge("audit_refusals_by_one_actor", "The most of one actor or address in ten minutes.", most_refusals())
        log = status()
        waiting = log.oldest_unsealed.total_seconds() if log.oldest_unsealed else 0
        yield gauge("audit_sealed_events", "Events in the tree.", log.size)
        yield gauge("audit_unsealed_events", "Events that wait for their seal; counted up to 10,000.", log.unsealed)
        yield gauge("audit_oldest_unsealed_seconds", "How long the oldest of them has waited.", waiting)
        if log.verified_at is not None:
            yield gauge("audit_verified", "Whether the last verification found the log intact.", bool(log.intact))
            yield gauge("audit_verified_timestamp_seconds", "When it was.", log.verified_at.timestamp())
        behind = GaugeMetricFamily("audit_witness_behind_events", "Events it was not told of.", labels=["witness"])
        for witness in log.witnesses:
            behind.add_metric([witness.name], witness.behind)
        yield behind


def gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def most_refusals() -> int:
    refused = Event.objects.filter(id__gte=floor_of(datetime.now(UTC) - LATELY), outcome=Outcome.DENIED)
    by_one = refused.order_by().values("actor_type", "actor_id", "ip").annotate(number=Count("id"))
    return max(by_one.values_list("number", flat=True), default=0)


def exposition() -> bytes:
    """The text that Prometheus reads: of all processes together, if there are several."""
    begin_at_zero()
    registry = CollectorRegistry()
    registry.register(OfTheLog())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        of_all_processes: Any = MultiProcessCollector
        of_all_processes(registry)
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)
