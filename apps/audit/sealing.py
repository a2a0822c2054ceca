"""The sealer: gives each event that has none a place in the tree, and signs what the tree has become. SPEC.md, Seals.

A batch is one transaction: nothing is ever half sealed. A leaf's place and event are unique: nothing is sealed twice.
Events that commit late, with lower ids than others, are sealed later. But an event whose time lies before what was long
swept is not sealed by itself: it is what a forger of the past would insert, and `audit verify` names it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError

from apps.audit import bulk
from apps.audit.canonical import floor_of, moment, moment_of
from apps.audit.errors import BadNote, Unsealable
from apps.audit.models import Checkpoint
from apps.audit.notes import Sealed, signed
from apps.audit.tree import Tree, leaf_hash

BATCH = 10_000
FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


def latest() -> timedelta:
    """How much later than its own time an event may be committed; longer than the longest transaction."""
    return getattr(settings, "AUDIT_LATEST", timedelta(hours=1))


def last_checkpoint(using: str = DEFAULT_DB_ALIAS) -> Checkpoint | None:
    return Checkpoint.objects.using(using).order_by("-size").first()


def window(last: Sealed | None, now: datetime) -> tuple[UUID, UUID]:
    """The ids that an honest new event may have, also when a clock was set back."""
    if last is None:
        return FIRST, floor_of(now + latest())
    return floor_of(min(now, datetime.fromisoformat(last.through)) - latest()), floor_of(now + latest())


def seal(using: str = DEFAULT_DB_ALIAS, *, late: bool = False, most: int = BATCH) -> Iterator[Sealed]:
    """Seal all that is there, in batches; each is committed when it is yielded. Raises Unsealable, SealerBusy."""
    after = FIRST
    while found := seal_batch(using, after, late=late, most=most):
        sealed, after = found
        yield sealed
        if sealed.events < most:
            return


def seal_batch(using: str, after: UUID, *, late: bool, most: int) -> tuple[Sealed, UUID] | None:
    """The next events by id, and the id behind them: there the next batch of this run begins."""
    now = datetime.now(UTC)
    with bulk.alone(using):
        last, tree = beginning(using)
        low, high = window(last, now)
        events = bulk.unsealed(using, after if late else max(after, low), LAST if late else high, most)
        if not events:
            return None
        try:
            bulk.add_leaves(using, tree.size, events)
        except IntegrityError:
            raise Unsealable("A leaf stands where the next seal begins, and no seal put it there.") from None
        for _, digest in events:
            tree.append(leaf_hash(digest))
        end = UUID(events[-1][0])
        # Behind what was swept already only a batch of late ones ends: what else is there stays shut out.
        reached = max(moment_of(end), datetime.fromisoformat(last.through)) if last else moment_of(end)
        swept = now if len(events) < most else min(now, reached)
        admitted = sum(not low <= UUID(name) < high for name, _ in events) if late else 0
        sealed = Sealed(tree.size, tree.root(), moment(now), moment(swept), len(events), admitted)
        Checkpoint(size=sealed.size, note=signed(sealed.text()), frontier=tree.packed()).save(using=using)
    return sealed, UUID(int=end.int + 1)


def beginning(using: str) -> tuple[Sealed | None, Tree]:
    """The last checkpoint and its tree. Raises Unsealable: what was tampered with is not built on."""
    last = last_checkpoint(using)
    if last is None:
        return None, Tree()
    try:
        sealed, tree = Sealed.read(last.note), Tree.of(last.size, bytes(last.frontier))
    except (BadNote, ValueError) as error:
        raise Unsealable(f"The last checkpoint can't be built on: {error}. Run: manage.py audit verify") from error
    if (sealed.size, sealed.root) != (tree.size, tree.root()):
        raise Unsealable("The last checkpoint is not the one that was signed. Run: manage.py audit verify")
    return sealed, tree
