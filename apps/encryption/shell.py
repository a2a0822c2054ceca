"""A shell without the data keys, until somebody says why they are needed.

`manage.py shell` starts so: `>>> patient.name`, a completion or a loop that prints too much shows nothing by accident.

    with unseal(reason="ticket 4711: name is cut off"):
        print(patient.name)

This keeps honest people from accidents, and their looking on record. Whoever can run a shell with the keys could read
them from its memory. Look-ups by tag still work: they need the index root, and open nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.encryption import rings
from apps.encryption.signals import unsealed


def seal() -> None:
    """From here on this process opens and seals nothing, but within `unseal`. What was opened before stays so."""
    rings.lock(closed=True)


@contextmanager
def unseal(*, reason: str) -> Iterator[None]:
    """Give the block the data keys, after `signals.unsealed` has told of it. Raises ValueError without a reason."""
    if not (reason := reason.strip()):
        raise ValueError("Say why: with unseal(reason=…). It is recorded.")
    unsealed.send(sender=None, target=None, outcome="success", changes=None, reason=reason, details={})
    with rings.unlocked():
        yield
