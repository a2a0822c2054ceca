"""Turns the signals of other apps into events, as AUDIT_SIGNALS says: {"dotted.path.of.signal": "action" or Survives}.

The signals carry `target, outcome, changes, reason, details`; all may be left out. Sent with `send()`, an event which
can't be written rolls back what the signal tells of.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal
from django.utils.module_loading import import_string

from apps.audit.actions import Survives, find
from apps.audit.errors import UnknownAction

ARGUMENTS = ("target", "outcome", "changes", "reason", "details")


def wiring() -> dict[str, str | Survives]:
    return getattr(settings, "AUDIT_SIGNALS", {})


def connect() -> None:
    """Hear every signal of AUDIT_SIGNALS that exists; `problems` tells of the others. Twice is as good as once."""
    for path, action in wiring().items():
        signal = signal_at(path)
        if signal is not None:
            signal.connect(receiver_for(action), weak=False, dispatch_uid=f"audit:{path}")


def receiver_for(wired: str | Survives) -> Callable[..., None]:
    from apps.audit.api import Happening, write_event

    survives = isinstance(wired, Survives)
    action = wired.action if isinstance(wired, Survives) else wired

    def hear(**sent: Any) -> None:
        said = {name: sent[name] for name in ARGUMENTS if sent.get(name) is not None}
        write_event(action, Happening(**said), survives=survives)

    return hear


def signal_at(path: str) -> Signal | None:
    try:
        found = import_string(path)
    except ImportError:
        return None
    return found if isinstance(found, Signal) else None


def problems() -> list[str]:
    """What is wrong in AUDIT_SIGNALS, in plain words."""
    found = []
    for path, wired in wiring().items():
        if signal_at(path) is None:
            found.append(f"AUDIT_SIGNALS names {path!r}, which is no signal.")
        try:
            find(wired.action if isinstance(wired, Survives) else wired)
        except UnknownAction as error:
            found.append(f"AUDIT_SIGNALS[{path!r}]: {error}")
    return found


def refuse_broken_wiring() -> None:
    """A server must not start deaf. Commands do start, so that `manage.py check` can say what is wrong."""
    if found := problems():
        raise ImproperlyConfigured(" ".join(found))
