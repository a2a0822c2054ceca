"""Who is told of each checkpoint, so that nobody can cut the log short unseen: AUDIT_WITNESSES, a list of addresses.

    file:///var/lib/rampart/checkpoints          appended to, and on the disk before it counts
    syslog:///dev/log, syslog://log.example.org:514
    https://witness.example.org/checkpoints      posted by AUDIT_POST, the project's one outbound client
    mailto:auditor@example.org                   once a day
    s3://bucket/prefix?region=…&days=3650        see object_lock.py
    path.to.a.class                              made with no argument, with `send(note)`

A checkpoint commits to all the past, so a witness that was away is sent the newest one. None ever holds up sealing.
"""

import errno
import json
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import send_mail
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from apps.audit.canonical import line, moment
from apps.audit.errors import BadNote
from apps.audit.models import Checkpoint, Progress
from apps.audit.notes import Sealed, notes_in, origin

emergency = logging.getLogger("audit.emergency")

PASSWORD = re.compile(r"//[^/@]*@")
PATIENCE = 5.0  # seconds
OBJECT_LOCK = "apps.audit.object_lock.Place"  # imported when it is asked for: its boto3 is optional
SYSLOG_PRIORITY = 13 * 8 + 5  # facility "log audit", severity "notice" (RFC 5424, 6.2.1)


def to_file(address: str, note: str) -> None:
    descriptor = os.open(path_of(address), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        given = b"\n\n" + note.encode()  # the empty line ends what a crash may have left half written
        if os.write(descriptor, given) != len(given):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def path_of(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


def by_mail(address: str, note: str) -> None:
    send_mail(f"Checkpoint of {origin()}", note, None, [address.removeprefix("mailto:")])


def by_post(address: str, note: str) -> None:
    post: str = getattr(settings, "AUDIT_POST", "")
    import_string(post)(address, note.encode(), content_type="text/plain; charset=utf-8")


def to_syslog(address: str, note: str) -> None:
    said = f"<{SYSLOG_PRIORITY}>1 {moment(datetime.now(UTC))} - audit - checkpoint - {json.dumps(note)}".encode()
    parts = urlsplit(address)
    with socket.socket(socket.AF_INET if parts.hostname else socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.settimeout(PATIENCE)  # a local socket that is full would wait for its reader
        to.sendto(said, (parts.hostname, parts.port or 514) if parts.hostname else parts.path)


SCHEMES: dict[str, Callable[[str, str], None]] = {
    "file": to_file,
    "https": by_post,
    "mailto": by_mail,
    "s3": lambda address, note: import_string(OBJECT_LOCK)(address).put(note),
    "syslog": to_syslog,
}


def addresses() -> Sequence[str]:
    return getattr(settings, "AUDIT_WITNESSES", ())


def problems() -> Iterator[str]:
    """Addresses that can't be told of anything: a start with one is refused."""
    for address in addresses():
        try:
            if address.startswith("s3:"):
                import_string(OBJECT_LOCK)(address)
        except (ImportError, ValueError) as error:
            yield f"The witness {name_of(address)} can't be told of checkpoints: {error}."


def name_of(address: str) -> str:
    """The address as it is shown and stored: without a password."""
    return line(PASSWORD.sub("//", address).partition("?")[0], 200)


def names() -> list[str]:
    return [name_of(address) for address in addresses()]


def send(address: str, note: str) -> None:
    """Whatever it raises, the checkpoint then counts as not received, and is sent again."""
    if to := SCHEMES.get(address.partition(":")[0]):
        to(address, note)
    else:
        import_string(address)().send(note)


def kept() -> Iterator[str]:
    """The checkpoints that witnesses of this machine hold, for a comparison."""
    for address in addresses():
        if address.startswith("file:"):
            yield from notes_in(path_of(address))


def tell(using: str = DEFAULT_DB_ALIAS) -> None:
    """Send the newest checkpoint to every witness that has not got it. What fails is kept for the next time."""
    last = Checkpoint.objects.using(using).order_by("-size").first()
    if last is None:
        return
    for address in addresses():
        kept, _ = Progress.objects.using(using).get_or_create(name=name_of(address))
        if kept.size < last.size:
            deliver(address, last, kept)


def deliver(address: str, last: Checkpoint, kept: Progress) -> None:
    try:
        if address.startswith("mailto:") and not a_day_later(last, kept):
            return
        send(address, last.note)
    except Exception as error:  # noqa: BLE001 - whatever a witness does, sealing goes on and the others are told
        kept.failing_since = kept.failing_since or moment(datetime.now(UTC))
        kept.error = line(f"{type(error).__name__}: {error}", 200)
        emergency.error("The witness %s did not take checkpoint %d: %s", kept.name, last.size, kept.error)
    else:
        kept.size, kept.failing_since, kept.error = last.size, "", ""
    kept.save()


def a_day_later(last: Checkpoint, kept: Progress) -> bool:
    before = Checkpoint.objects.using(kept._state.db).filter(size=kept.size).first()
    if before is None:
        return True
    try:
        then, now = (datetime.fromisoformat(Sealed.read(each.note).time) for each in (before, last))
    except BadNote:
        return True
    return now - then >= timedelta(days=1)
