"""What happens to rights, for whoever wants to know. All are sent with the same arguments, by `tell`.

`target`: the object, or the user or group where no object is meant, or None. `details`: what else is worth keeping.
Receivers run in the sender's transaction, and one that raises takes the change back. What is denied also raises, so
a receiver that must not lose it has to write it outside of that transaction.
"""

from typing import Any

from django.contrib.auth.models import Group
from django.dispatch import Signal

access_refused = Signal()
admin_edited = Signal()
grant_refused = Signal()
group_joined = Signal()
group_left = Signal()
list_downloaded = Signal()
policy_missing = Signal()
role_activated = Signal()
role_deactivated = Signal()
role_granted = Signal()
role_revoked = Signal()
roles_synced = Signal()
share_granted = Signal()
share_revoked = Signal()
superuser_changed = Signal()


def tell(
    signal: Signal,
    *,
    target: Any = None,
    outcome: str = "success",
    changes: dict[str, Any] | None = None,
    reason: str = "",
    **details: Any,
) -> None:
    """Send `signal` from the target's class; a receiver's exception reaches the caller (`send`, not `send_robust`).

    A group in the details is sent by its name, a user as the row: whoever keeps it may have to erase it one day.
    """
    details = {name: str(value) if isinstance(value, Group) else value for name, value in details.items()}
    signal.send(sender=type(target), target=target, outcome=outcome, changes=changes, reason=reason, details=details)
