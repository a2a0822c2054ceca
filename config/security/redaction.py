"""Keeps secrets out of the logs, by the name of the key that they are logged under (ASVS 16.2.5).

A secret's name says so. The names of encrypted fields do not: they are added when the models are known.
"""

import re
from collections.abc import MutableMapping
from typing import Any

from apps.audit.canonical import harmless

SECRET_NAME = re.compile(r"pass|secret|token|key|auth|cookie|session|credential|signature|csrf|otp", re.IGNORECASE)
NOT_SECRET = {"key_id", "author"}
REDACTED = "[redacted]"
STRUCTLOGS = {"event", "exception", "level", "logger", "timestamp"}  # of every line, whatever a field is called
encrypted_names: set[str] = set()


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the value of every key that names a secret becomes "[redacted]", nested ones too.

    In all other text, what a terminal obeys is shown as its escape (ASVS 16.4.1): JSON would let DEL pass, and the
    lines of a local site all of it.
    """
    return {name: cleaned(name, value) for name, value in event.items()}


def cleaned(name: str, value: Any) -> Any:
    if name in encrypted_names and name not in STRUCTLOGS:
        return REDACTED
    if SECRET_NAME.search(name) and name not in NOT_SECRET and not name.startswith("_"):
        return REDACTED
    if isinstance(value, dict):
        return {inner: cleaned(str(inner), held) for inner, held in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(cleaned("", held) for held in value) if type(value) in (list, tuple) else value
    return harmless(value) if isinstance(value, str) else value
