"""What pages, metrics and `audit status` ask: is the log sealed, witnessed and verified?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, QuerySet

from apps.audit import canonical, sealing, witnesses
from apps.audit.errors import BadNote
from apps.audit.models import Event, Leaf, Progress, read
from apps.audit.notes import Sealed

MOST_COUNTED = 10_000  # unsealed events; more are told as so many
VERIFIED = "audit.log.verified"


@dataclass(frozen=True, slots=True)
class Witness:
    """behind: how many sealed events it has not been told of. failing_since: None while it takes what it is sent."""

    name: str
    behind: int
    failing_since: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """size: sealed events. intact: the outcome of the last verification; None if there was none."""

    size: int
    sealed_at: datetime | None
    unsealed: int
    oldest_unsealed: timedelta | None
    verified_at: datetime | None
    intact: bool | None
    findings: int
    witnesses: tuple[Witness, ...]
    problems: tuple[str, ...]


def limit() -> timedelta:
    """How long an event may wait for its seal before somebody should look."""
    return getattr(settings, "AUDIT_SEAL_LIMIT", timedelta(minutes=10))


def status(using: str = DEFAULT_DB_ALIAS) -> Status:
    now, last = datetime.now(UTC), sealing.last_checkpoint(using)
    problems = []
    try:
        sealed = Sealed.read(last.note) if last else None
    except BadNote as error:
        sealed = None
        problems.append(f"The last checkpoint is not to be trusted: {error}.")
    waiting = list(unsealed(using, sealed, now))
    oldest = now - canonical.moment_of(waiting[0]) if waiting else None
    if oldest and oldest > limit():
        problems.append(f"Events have been waiting for their seal for {oldest}. Does `manage.py audit seal` run?")
    sealable = sealing.window(sealed, now)[1]  # an event of a later time was inserted: it could say "intact" for years
    verified = Event.objects.using(using).filter(action=VERIFIED, id__lt=sealable).order_by("-id").first()
    intact = verified.outcome == "success" if verified else None
    found = read(verified.details).get("findings", 0) if verified else 0
    if intact is False:
        problems.append(f"The last verification found {found} problems. Run: manage.py audit verify")
    told = tuple(lag(name, last.size if last else 0, using) for name in witnesses.names())
    problems += [f"The witness {each.name} fails: {each.error}" for each in told if each.failing_since]
    return Status(
        size=last.size if last else 0,
        sealed_at=datetime.fromisoformat(sealed.time) if sealed else None,
        unsealed=len(waiting),
        oldest_unsealed=oldest,
        verified_at=verified.time if verified else None,
        intact=intact,
        findings=found,
        witnesses=told,
        problems=tuple(problems),
    )


def unsealed(using: str, last: Sealed | None, now: datetime) -> QuerySet[Event, UUID]:
    low, high = sealing.window(last, now)
    leaf = Leaf.objects.using(using).filter(event_id=OuterRef("id"), event_id__gte=low, event_id__lt=high)
    waiting = Event.objects.using(using).filter(~Exists(leaf), id__gte=low, id__lt=high)
    return waiting.order_by("id").values_list("id", flat=True)[:MOST_COUNTED]


def lag(name: str, size: int, using: str) -> Witness:
    kept = Progress.objects.using(using).filter(name=name).first() or Progress(name=name)
    since = datetime.fromisoformat(kept.failing_since) if kept.failing_since else None
    return Witness(name, size - kept.size, since, canonical.harmless(kept.error))
