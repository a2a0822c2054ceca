"""`manage.py keys`: make key rings, see what they hold, and lead each key through its life, in its file.

Material is written to files, never to the terminal. A key retires only when nothing stored needs it.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils.module_loading import import_string

from apps.audit.api import acting_as, record
from apps.encryption import ringfile, sources
from apps.encryption.errors import KeyringError
from apps.encryption.keyring import Key, Keyring, State, write_new_ring

RETENTION_DAYS = 90
NEXT = {
    "promote": "Next: restart every process, so that they seal with it, then: manage.py encryption rotate",
    "retire": "Next: restart every process. When no backup needs it any more: manage.py keys destroy {ring} {key}",
    "restore": "Next: restart every process. Then: manage.py encryption rotate",
    "destroy": "Nothing that it sealed can be opened again. Delete old copies of the ring as well.",
}
NEXT_OF_SIGNING = NEXT | {
    "promote": "Next: restart every process, so that the sealer signs with it.",
    "retire": "What it signed stays proven. Next: restart every process.",
    "restore": "Next: restart every process.",
    "destroy": "What it signed stays proven by its public half, which the ring keeps. Delete old copies of the ring.",
}


class Command(BaseCommand):
    help = "Makes key rings (generate, public), lists keys (status), changes: add, promote, retire, restore, destroy."
    requires_system_checks = ()  # a missing ring is what this command is for

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        generate = actions.add_parser("generate", help="write a new ring to a file that only its owner can read")
        generate.add_argument("ring", choices=sorted(settings.KEY_RINGS))
        generate.add_argument("--file", type=Path, required=True, help="the file to make; one that exists is kept")
        public = actions.add_parser("public", help="write the public halves of a signing ring, for who only verifies")
        public.add_argument("ring", choices=sorted(settings.KEY_REMAINS))
        public.add_argument("--file", type=Path, required=True, help="the file to make, or to make anew")
        actions.add_parser("status", help="list each ring's keys, without their material")
        changes = {
            "add": "put a new key in, which only opens until it is promoted",
            "promote": "seal with this key from now on",
            "retire": "open nothing with it any more; refused while something stored needs it",
            "restore": "let a retired key open again",
            "wrap": "keep the ring wrapped by KEY_SOURCE from now on",
            "destroy": "delete a retired key's material for good",
        }
        for name, told in changes.items():
            action = actions.add_parser(name, help=told)
            action.add_argument("ring", choices=sorted(settings.KEY_RINGS))
            if name not in ("add", "wrap"):
                action.add_argument("key", help="its id, as `keys status` shows it")
            action.add_argument("--file", type=Path, help="the ring's file; otherwise the one that NAME_FILE names")
        action.add_argument("--retention-days", type=int, default=RETENTION_DAYS, help="for how long backups are kept")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        whole = action in ("generate", "public", "status")
        try:
            getattr(self, action)(**options) if whole else self.change(action, **options)
        except OSError as error:
            raise CommandError(f"The ring's file can't be written: {error}") from error
        except DatabaseError as error:
            raise CommandError(f"This can't be put on record, and is not done: the database says {error}.") from error
        except (KeyringError, ringfile.Refused, sources.SourceFailed) as error:
            raise CommandError(str(error)) from error

    def generate(self, *, ring: str, file: Path, **_: Any) -> None:
        wrapping = partial(sources.wrap, settings.KEY_RINGS[ring]) if sources.configured() else str
        key_id = write_new_ring(file, wrapping)
        self.stdout.write(
            f"Key {key_id} is in {file}, which only its owner can read.\n"
            f"Next: set {settings.KEY_RINGS[ring]}_FILE={file.resolve()} and keep a copy in a safe place "
            "apart from the database's backups. Data sealed with a lost key is lost."
        )

    def public(self, *, ring: str, file: Path, **_: Any) -> None:
        setting = settings.KEY_RINGS[ring]
        plain = sources.plain(setting, getattr(settings, setting))
        ringfile.publish(file, plain, import_string(settings.KEY_REMAINS[ring]))
        self.stdout.write(
            f"{file} holds the public halves of {setting}, which check signatures and make none.\n"
            f"Next: give it, as {setting}_FILE, to every process but the one that signs."
        )

    def change(self, action: str, *, ring: str, file: Path | None, key: str = "", **options: Any) -> None:
        """Change the ring in its file, and say what comes next."""
        made: list[str] = []
        edits: dict[str, Callable[[ringfile.Entries], object]] = {
            "add": lambda entries: made.append(ringfile.add(entries)),
            "promote": partial(ringfile.promote, key_id=key),
            "retire": partial(self.retire, ring=ring, key_id=key),
            "restore": partial(ringfile.restore, key_id=key),
            "wrap": lambda _: None,
            "destroy": partial(self.destroy, ring=ring, key_id=key, days=options.get("retention_days", 0)),
        }
        path = file or file_of(settings.KEY_RINGS[ring])

        def on_record(entries: ringfile.Entries) -> None:
            """What can't be put on record is not done: the file is written after this, or not at all."""
            edits[action](entries)
            record("encryption.key.changed", ring=ring, key=key or "".join(made), step=action)

        write_ring(path, on_record, ring=ring, wrap=action == "wrap")
        if action == "add":
            self.stdout.write(
                f"Key {made[0]} is in {path}, and only opens. Next: keep a copy of the file, restart every process, "
                f"then: manage.py keys promote {ring} {made[0]}"
            )
        elif action == "wrap":
            self.stdout.write(f"The ring in {path} is wrapped. Delete the plain copies, but for one in a safe place.")
        else:
            following = (NEXT_OF_SIGNING if ring in settings.KEY_REMAINS else NEXT)[action]
            self.stdout.write(f"Key {key}: {action} done in {path}.\n{following.format(ring=ring, key=key)}")
        if ring in settings.KEY_REMAINS:
            self.stdout.write(
                f"Before any restart: make the file of public halves anew, by manage.py keys public {ring}"
            )

    def retire(self, entries: ringfile.Entries, *, ring: str, key_id: str) -> None:
        ringfile.retire(entries, key_id)  # first what can be said without asking the database
        refuse_if_needed(ring, key_id, "retire")

    def destroy(self, entries: ringfile.Entries, *, ring: str, key_id: str, days: int) -> None:
        material = entries.get(key_id, {}).get("material")
        ringfile.destroy(entries, key_id, after=timedelta(days=days))
        if remains := settings.KEY_REMAINS.get(ring):
            entries[key_id]["public"] = import_string(remains)(material)
        refuse_if_needed(ring, key_id, "destroy")

    def status(self, **_: Any) -> None:
        broken = [ring for ring in sorted(settings.KEY_RINGS) if not self.show(ring, settings.KEY_RINGS[ring])]
        if broken:
            raise CommandError(f"Not usable: {', '.join(broken)}.")

    def show(self, ring: str, setting: str) -> bool:
        """Write one ring's keys, or what is wrong with it; tell whether it can be used."""
        self.stdout.write(f"{ring} ({setting})")
        text = getattr(settings, setting, "")
        if not text:
            self.stdout.write(f"  is not set. Make it with: manage.py keys generate {ring} --file PATH")
            return False
        try:
            keys = ring_in_force(ring)
        except KeyringError as error:
            self.stdout.write("\n".join(f"  {problem}" for problem in error.problems))
            return False
        for key in keys:
            since = f", {key.state} since {key.changed:%Y-%m-%d}" if key.changed else ""
            half = ", public half only" if not key.material and key.state != State.DESTROYED else ""
            self.stdout.write(
                f"  {key.id}  {key.state:<12}  number {key.number}  made {key.created:%Y-%m-%d}{since}{half}"
            )
        return True


def ring_in_force(ring: str) -> Keyring:
    """What these settings hold. Raises KeyringError."""
    setting = settings.KEY_RINGS[ring]
    text = sources.plain(setting, getattr(settings, setting, ""))
    return Keyring.parse(text, name=setting, index=ring == "indexes", public=ring in settings.KEY_REMAINS)


def file_of(setting: str) -> Path:
    """The file that the settings read a ring from."""
    if path := os.environ.get(f"{setting}_FILE"):
        return Path(path)
    raise CommandError(
        f"{setting}_FILE is not set, so there is no file to change. Name it with --file; a ring that is kept in a "
        "variable goes through a file first, and back."
    )


def write_ring(path: Path, edit: Callable[[ringfile.Entries], None], *, ring: str, wrap: bool) -> None:
    name = settings.KEY_RINGS[ring]
    read, write = partial(sources.plain, name), keeper(name, path, wrap=wrap)
    with acting_as(None, reason="manage.py keys"), transaction.atomic():
        ringfile.change(path, edit, index=ring == "indexes", read=read, write=write)


def keeper(setting: str, path: Path, *, wrap: bool) -> Callable[[str], str]:
    """How a changed ring is written: wrapped, if it was or is to be."""
    wrapped = wrap or (path.exists() and sources.wrapped_document(path.read_text(encoding="utf-8")) is not None)
    return partial(sources.wrap, setting) if wrapped else str


def refuse_if_needed(ring: str, key_id: str, verb: str) -> None:
    """Raise Refused while anything stored needs the key, or while that can't be known."""
    setting = settings.KEY_RINGS[ring]
    key: Key | None = next((key for key in ring_in_force(ring) if key.id == key_id), None)
    if key is None:
        raise ringfile.Refused(f"Key {key_id} is in the file, but not in {setting} of these settings: is it that file?")
    try:
        needed = sum(import_string(path)(key) for path in settings.KEY_USES.get(ring, ()))
    except DatabaseError as error:
        raise ringfile.Refused(f"Who needs key {key_id} can't be asked: the database says {error}.") from error
    if needed:
        raise ringfile.Refused(
            f"Key {key_id} can't {verb}: {needed} stored values need it. First: manage.py encryption rotate"
        )
