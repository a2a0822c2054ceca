"""What can happen: every action that the log may hold, by name. Importable before Django is set up, as settings need.

An app lists its own in a module `audit_actions`, found at start:

    register(Action("billing.invoice.paid", "{actor} paid {target} with {details.method}", Category.DATA))
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Final

from apps.audit.errors import ActionError, UnknownAction

NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){2}")
NAME_MAX: Final = 100
SLOT: Final = re.compile(r"actor|target|reason|details\.[a-z][a-z0-9_]*")


class Audience(StrEnum):
    """Who reads an event. AUDITORS: the audit pages only. EVERYONE: also its actor, and whoever may see its target."""

    AUDITORS = "auditors"
    EVERYONE = "everyone"


class Category(StrEnum):
    """Where an action belongs; after the prefixes of the OWASP logging vocabulary."""

    AUDIT = "audit"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    CONFIGURATION = "configuration"
    CRYPTOGRAPHY = "cryptography"
    DATA = "data"
    DEFENSE = "defense"
    SESSION = "session"
    USER = "user"


class Outcome(StrEnum):
    """DENIED: a rule said no. FAILURE: the person did not succeed. ERROR: the system did not."""

    DENIED = "denied"
    ERROR = "error"
    FAILURE = "failure"
    SUCCESS = "success"


class Severity(StrEnum):
    """How soon somebody should look; the words of syslog (RFC 5424), from `info` (never alone) to `critical` (now)."""

    CRITICAL = "critical"
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can happen.

    name: `<app>.<noun>.<verb-ed>`. wording: a sentence with the slots {actor}, {target}, {reason} and {details.KEY};
    one that begins with a lower-case letter goes on after the actor's name. retention: kept at least so long; the
    default covers the year of PCI DSS 10.5.1. sensitive: of changes only *that* they happened is kept. deferred: a mere
    read, written after the view. needs_actor: refused when no person is known. Raises ActionError for a malformed name
    or wording, ValueError for an unknown word of a vocabulary.
    """

    name: str
    wording: str
    category: Category
    severity: Severity = Severity.INFO
    retention: timedelta = timedelta(days=400)
    audience: Audience = Audience.EVERYONE
    sensitive: bool = False
    deferred: bool = False
    needs_actor: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.name) > NAME_MAX:
            raise ActionError(f"{self.name!r} is no name: write app.noun.verb-ed, such as rbac.role.granted.")
        try:
            slots = [slot for _, slot, _, _ in Formatter().parse(self.wording) if slot is not None]
        except ValueError as error:
            raise ActionError(f"{self.name}: the wording can't be read: {error}.") from None
        for slot in slots:
            if not SLOT.fullmatch(slot):
                raise ActionError(
                    f"{self.name}: the wording has {{{slot}}}; it may have actor, target, reason, details.KEY"
                )
        for field, vocabulary in (("category", Category), ("severity", Severity), ("audience", Audience)):
            object.__setattr__(self, field, vocabulary(getattr(self, field)))


@dataclass(frozen=True, slots=True)
class Survives:
    """In AUDIT_SIGNALS: the event is written even when the request that sent the signal rolls back."""

    action: str


_registry: dict[str, Action] = {}


def register(*actions: Action) -> None:
    """Add actions to the vocabulary. Raises ActionError when a name is taken."""
    for action in actions:
        if action.name in _registry:
            raise ActionError(f"The action {action.name} is registered twice; each name tells of one thing.")
        _registry[action.name] = action


def registered() -> Mapping[str, Action]:
    """All actions, by name, alphabetical."""
    return MappingProxyType(dict(sorted(_registry.items())))


def find(name: str) -> Action:
    """The action of this name. Raises UnknownAction, which tells the nearest known name."""
    try:
        return _registry[name]
    except KeyError:
        near = get_close_matches(name, _registry, n=1)
        cure = f"Did you mean {near[0]}?" if near else "Register it in a module audit_actions of an installed app."
        raise UnknownAction(f"There is no action {name!r}. {cure}") from None
