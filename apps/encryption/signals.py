"""Signals of this app, with the arguments that all apps of the project use.

Each has `target` (the model instance, or None), `outcome`, `changes=None`, `reason` and `details`. None carries a value
or a ciphertext. All are sent with send(): what a receiver raises reaches whoever asked for the value, who gets none.

`open_failed`: an encrypted value could not be read, which is a sign of tampering or of a missing key. `reason` is the
name of the error's class, `details` {"label": …, "key_id": …}. The exception follows it and may roll the transaction
back, so a receiver that stores it must outlive a roll-back.

`revealed`: somebody was shown a masked value in full; `reason` is theirs, `details` {"field": …}.
`reveal_refused`: somebody asked without the permission; `details` also has it. PermissionDenied follows.
`subject_shredded`: a person's key is being destroyed; `details` {"subject": "app.model:key", "key": its id}.
`unsealed`: a shell was given the data keys; `reason` is why.
"""

from typing import Any

from django.db import models
from django.dispatch import Signal

open_failed = Signal()
revealed = Signal()
reveal_refused = Signal()
subject_shredded = Signal()
unsealed = Signal()


def tell_failure(error: Exception, *, sender: Any, target: models.Model | None = None, **details: str) -> None:
    """Send open_failed for what could not be opened."""
    reason = type(error).__name__
    open_failed.send(sender=sender, target=target, outcome="error", changes=None, reason=reason, details=details)
