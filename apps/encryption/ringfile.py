"""Changing a ring in its file: add, promote, retire, destroy; and its public halves in another. Needs no Django.

The order is the caller's to keep, with a deployment after each step: add (every process can open with the new key) →
promote (they seal with it) → rotate what is stored → retire (nothing opens with the old one) → destroy.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apps.encryption.keyring import Keyring, State, draft_of, new_entry, new_id, now, validate

type Entries = dict[str, dict[str, Any]]
type Form = Callable[[str], str]


class Refused(Exception):
    """A key can't be changed so. The message says why, and what to do first."""


def add(entries: Entries) -> str:
    """Put a new key in, which only opens. Returns its id."""
    key_id = new_id()
    entries[key_id] = new_entry(State.DECRYPT_ONLY, 1 + max(entry.get("number", 1) for entry in entries.values()))
    return key_id


def promote(entries: Entries, key_id: str) -> None:
    """Seal with this key from now on; the one before only opens."""
    _expect(entries, key_id, State.DECRYPT_ONLY, "promoted")
    for other, entry in entries.items():
        if entry["state"] == State.PRIMARY:
            _set(entries, other, State.DECRYPT_ONLY)
    _set(entries, key_id, State.PRIMARY)


def retire(entries: Entries, key_id: str) -> None:
    """Open nothing with this key any more. It is kept, and `restore` takes it back."""
    _expect(entries, key_id, State.DECRYPT_ONLY, "retired")
    _set(entries, key_id, State.RETIRED)


def restore(entries: Entries, key_id: str) -> None:
    """Let a retired key open again, because something that needs it was found."""
    _expect(entries, key_id, State.RETIRED, "restored")
    _set(entries, key_id, State.DECRYPT_ONLY)


def destroy(entries: Entries, key_id: str, *, after: timedelta) -> None:
    """Take the material out for good. What it sealed, in the database or in a backup, is lost.

    It must have been retired for as long as `after`, which should be how long backups are kept.
    """
    _expect(entries, key_id, State.RETIRED, "destroyed")
    changed = entries[key_id].get("changed")
    since = datetime.fromisoformat(changed) if changed else datetime.now(UTC)
    if datetime.now(UTC) - since < after:
        raise Refused(
            f"Key {key_id} was retired on {since:%Y-%m-%d}, and backups that need it may be {after.days} days old. "
            f"Destroy it after {since + after:%Y-%m-%d}."
        )
    entries[key_id] |= {"retired": since.isoformat()}  # what was signed up to then stays proven
    entries[key_id].pop("material")
    _set(entries, key_id, State.DESTROYED)


def _expect(entries: Entries, key_id: str, state: State, verb: str) -> None:
    if key_id not in entries:
        raise Refused(f"Key {key_id} is not in the ring. It holds: {', '.join(entries)}.")
    found = entries[key_id]["state"]
    if found != state:
        cure = {State.PRIMARY: " Promote another key first.", State.DECRYPT_ONLY: " Retire it first."}.get(found, "")
        raise Refused(f"Key {key_id} is {found}, and only a {state} key can be {verb}.{cure}")


def _set(entries: Entries, key_id: str, state: State) -> None:
    entries[key_id] |= {"state": state, "changed": now()}


def change(path: Path, edit: Callable[[Entries], object], *, index: bool, read: Form = str, write: Form = str) -> None:
    """Let `edit` change the ring in a file. A reader sees the ring before or after, never a part.

    read, write: from the file's text to the ring's and back, for a ring that is kept wrapped.
    Raises OSError, Refused, and KeyringError if the ring before or after can't be used; the file is then as it was.
    """
    target = path.resolve()  # a link to it stays
    with _alone(target.parent) as folder:
        text = target.read_text(encoding="utf-8")
        plain = read(text)
        Keyring.parse(plain, name=str(path), index=index)
        entries: Entries = json.loads(plain)
        edit(entries)
        changed = json.dumps(entries, indent=2) + "\n"
        Keyring.parse(changed, name=str(path), index=index)
        _replace(target, write(changed))
        os.fsync(folder)


def publish(path: Path, plain: str, half: Callable[[str], str]) -> None:
    """Write the ring without its material, each key by what `half` makes of that. Raises OSError and Refused.

    Only such a file is overwritten: a slip of the hand must not cost the keys.
    """
    entries: Entries = json.loads(plain)
    for entry in entries.values():
        if material := entry.pop("material", None):
            entry["public"] = half(material)
    if path.exists():
        before = path.read_text(encoding="utf-8", errors="replace")
        if "material" in before or validate(before, public=True):
            raise Refused(f"{path} is no ring of public halves, so it is not overwritten. Choose another file.")
    _replace(path.resolve(), json.dumps(entries, indent=2) + "\n")


def _replace(target: Path, text: str) -> None:
    before = target.stat() if target.exists() else None
    with draft_of(target, text) as draft:
        if before:
            draft.chmod(before.st_mode & 0o7777)
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(draft, before.st_uid, before.st_gid)
        draft.replace(target)


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """The folder's descriptor, locked: two changes at once would lose one of them, and with it a key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
