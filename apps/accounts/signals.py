"""Security events of accounts which are not already a signal of Django, allauth or axes.

Each is sent with `target, outcome, changes, reason, details`; `config.settings.wiring` names the action it becomes.
"""

from typing import Any

from django.dispatch import Signal

password_reset_requested = Signal()
profile_changed = Signal()
rate_exceeded = Signal()
sign_in_throttled = Signal()


def tell(signal: Signal, *, outcome: str = "success", **said: Any) -> None:
    """Send it with all of its arguments: those that are not given say nothing. What a receiver raises comes through."""
    nothing: dict[str, Any] = {"target": None, "changes": None, "reason": "", "details": {}}
    signal.send(sender=None, outcome=outcome, **nothing | said)
