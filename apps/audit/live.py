"""Events that have just been committed, for whoever counts or forwards them. None that was rolled back is told.

`committed` has `events`, a list; `lost` is sent when an event could not be written, with `actions`, their names. What a
receiver raises is logged and stops nothing: the log itself is complete without it.
"""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from apps.audit import outside
from apps.audit.models import Event, Leaf

committed = Signal()
lost = Signal()


def tell_of_outside(begin: int, end: int) -> None:
    """Of what the database itself has written (AUDIT_OUTSIDE), once it is sealed at these positions."""
    if outside.is_wanted():
        places = Leaf.objects.filter(position__gte=begin, position__lt=end).values("event_id")
        events = Event.objects.filter(action__startswith="audit.row.", id__in=places).order_by("id")
        committed.send_robust(sender=Event, events=list(events))


def tell_when_committed(events: Iterable[Event], using: str) -> None:
    tell = partial(committed.send_robust, sender=Event, events=list(events))
    transaction.on_commit(tell, using=using, robust=True)
