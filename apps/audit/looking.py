"""Who looks at the log is told by the log, so that nobody watches the others unseen."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Model

from apps.audit.api import Happening, event_of, write_event
from apps.audit.queries import seen_lately

ONE_LOOK: Final = timedelta(minutes=10)


def look(action: str, target: Model | None = None, **details: Any) -> None:
    """Record a look, in the transaction of the page. Raises NotRecorded, and then nothing is shown.

    Who turns the pages of one list, or loads it again, has looked once: the same look, of the same person from the same
    session and address, is told again after ten minutes. So what is read leaves a trace, and the traces do not bury it.
    """
    happening = Happening(target, details=details)
    if not seen_lately(event_of(action, happening), ONE_LOOK):
        write_event(action, happening)
