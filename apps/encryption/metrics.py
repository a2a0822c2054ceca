"""Counts what the operators should see without looking: values that could not be opened, and those that were revealed.

`ENCRYPTION_COUNTER` names a callable `count(name, labels)` of your metrics library:

    def count(name: str, labels: dict[str, str]) -> None:
        COUNTERS[name].labels(**labels).inc()

Names: `encryption_open_failed` (labels `reason`, `field`), `encryption_revealed` and `encryption_reveal_refused`
(label `field`). Labels are from the code: never a value, a row or a person. By default each count is a log line.
"""

import logging
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.encryption import signals

DEFAULT = "apps.encryption.metrics.to_log"
logger = logging.getLogger(__name__)


def to_log(name: str, labels: dict[str, str]) -> None:
    """One line at level WARNING, with the labels as its extra fields."""
    logger.warning(name, extra=labels)


def connect() -> None:
    """Called when the app is ready; before the audit log's, so that it counts even what can't be recorded."""
    signals.open_failed.connect(_open_failed)
    signals.revealed.connect(_revealed)
    signals.reveal_refused.connect(_reveal_refused)


def _open_failed(*, reason: str, details: dict[str, Any], **_: Any) -> None:
    count("encryption_open_failed", reason=reason, field=str(details["label"]))


def _revealed(*, details: dict[str, Any], **_: Any) -> None:
    count("encryption_revealed", field=str(details["label"]))


def _reveal_refused(*, details: dict[str, Any], **_: Any) -> None:
    count("encryption_reveal_refused", field=str(details["label"]))


def count(name: str, **labels: str) -> None:
    """A counter that fails is logged, and hides neither the value's own failure nor the audit event that follows."""
    try:
        import_string(getattr(settings, "ENCRYPTION_COUNTER", DEFAULT))(name, labels)
    except Exception:
        logger.exception("ENCRYPTION_COUNTER failed on %s", name)
