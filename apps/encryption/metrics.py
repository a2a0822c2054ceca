"""Counts what the operators should see without looking: values that could not be opened, and those that were revealed.

`ENCRYPTION_COUNTER` names a callable `count(name, labels)` of your metrics library:

    def count(name: str, labels: dict[str, str]) -> None:
        COUNTERS[name].labels(**labels).inc()

Names: `encryption_open_failed` (labels `reason`, `field`), `encryption_revealed` and `encryption_reveal_refused`
(label `field`). Labels are from the code: never a value, a row or a person. By default each count is a log line.
"""

import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.encryption import signals

DEFAULT = "apps.encryption.metrics.to_log"
COUNTED = {
    "encryption_open_failed": signals.open_failed,
    "encryption_reveal_refused": signals.reveal_refused,
    "encryption_revealed": signals.revealed,
}
logger = logging.getLogger(__name__)


def to_log(name: str, labels: dict[str, str]) -> None:
    """One line at level WARNING, with the labels as its extra fields."""
    logger.warning(name, extra=labels)


def connect() -> None:
    """Called when the app is ready; before the audit log's, so that it counts even what can't be recorded."""
    for name, signal in COUNTED.items():
        signal.connect(partial(_told, name), weak=False, dispatch_uid=name)


def _told(name: str, *, reason: str, details: dict[str, Any], **_: Any) -> None:
    labels = {"field": str(details["label"])}
    # The reason of a failure is an error's name; that of a reveal is somebody's own words.
    count(name, **labels, **({"reason": reason} if name == "encryption_open_failed" else {}))


def count(name: str, **labels: str) -> None:
    """A counter that fails is logged, and hides neither the value's own failure nor the audit event that follows."""
    try:
        import_string(getattr(settings, "ENCRYPTION_COUNTER", DEFAULT))(name, labels)
    except Exception:
        logger.exception("ENCRYPTION_COUNTER failed on %s", name)
