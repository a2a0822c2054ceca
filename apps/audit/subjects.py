"""What an event tells of a person, sealed under that person's own key: who destroys the key erases it, and no digest

is any other than before. A model says beside itself whose its rows are:

    class User(AbstractBaseUser):
        class Audit:
            track = ()          # nothing: only this
            subject = True      # a row is a person

    class Prescription(models.Model):
        class Audit:
            subject = "patient"     # the foreign key to the person whom a row is about

AUDIT_SUBJECTS names the module that has the keys: `seal`, `keep`, `openers` and `known`, as in
`apps.encryption.subjects`. Without one nothing is sealed. SPEC.md, Sealed cells.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model

from apps.audit.canonical import harmless
from apps.audit.tracking import about, subject_of

if TYPE_CHECKING:
    from apps.audit.context import Actor
    from apps.audit.models import Event

MARK: Final = "sealed:"
CELL: Final = re.compile(rf"{MARK}([0-9a-f]{{32}}):([A-Za-z0-9_-]+)")
COLUMNS: Final = ("actor_label", "on_behalf_of", "target_label", "reason", "changes", "details")
EMPTY: Final = ("", "{}")
ERASED, UNREADABLE = "(erased)", "(can't be read)"

load = cache(import_module)


def sealer() -> Any:
    name = getattr(settings, "AUDIT_SUBJECTS", "")
    return load(name) if name else None


# Whose is it?


def account_of(actor: "Actor | None") -> str:
    if actor is None or actor.type != "user":
        return ""
    kind, attribute = about(get_user_model())
    return f"{kind}:{actor.id}" if attribute == "pk" else ""


def people(actor: "Actor", principal: "Actor | None", target: object, details: Mapping[str, object]) -> tuple[str, ...]:
    """For each of COLUMNS whose it is. Details are of the first person whom a row in them names, or of the target's."""
    of = subject_of(target)
    named = next(filter(None, map(subject_of, details.values())), of) if details else of
    return account_of(actor), account_of(principal), of, of or named, of, named


# Sealing


def seal(event: "Event", people: Iterable[str]) -> None:
    """Give a new event its cells. people: for each of COLUMNS whose it is."""
    shown, cells, keys = vars(event), {}, []
    for column, subject in zip(COLUMNS, people, strict=True):
        text = shown[column]
        if subject and text not in EMPTY and (keeper := sealer()):
            key, cell = keeper.seal(subject, text.encode(), place(event.id, column))
            keys.append(key)
            cells[column] = f"{MARK}{key.id.hex}:{urlsafe_b64encode(cell).rstrip(b'=').decode()}"
        elif text.startswith(MARK):
            cells[column] = f"{MARK}:{text}"
    if cells:
        event.cells, event.keys = cells, keys


def place(event: UUID, column: str) -> bytes:
    """What a cell is bound to, so that it is none in another event or column."""
    return b"audit cell 1\n" + event.bytes + column.encode()


# Opening


def open_all(events: Sequence["Event"]) -> None:
    """Open what is sealed in these events, with one query for all their keys. What can't be opened says so."""
    found = [(event, column, str(vars(event).get(column))) for event in events for column in COLUMNS]
    cells = [(event, column, text) for event, column, text in found if text.startswith(MARK)]
    ids = {UUID(match[1]) for _, _, text in cells if (match := CELL.match(text))}
    keys = sealer().openers(ids) if ids and sealer() else {}
    for event, column, text in cells:
        event.cells = {**event.cells, column: text}
        setattr(event, column, opened(text, keys, place(event.id, column)))


def opened(text: str, keys: Mapping[UUID, Any], bound: bytes) -> str:
    if text.startswith(f"{MARK}:"):
        return text.removeprefix(f"{MARK}:")
    if not (cell := CELL.fullmatch(text)) or not sealer():
        return UNREADABLE
    if (key := UUID(cell[1])) not in keys:
        return ERASED
    try:
        plain = keys[key](urlsafe_b64decode(cell[2] + "=" * (-len(cell[2]) % 4)), bound)
        return UNREADABLE if plain is None else harmless(plain.decode())
    except ValueError:
        return UNREADABLE
