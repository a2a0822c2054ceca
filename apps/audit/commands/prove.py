"""Prove that an event is in the log: its path to a signed root, as JSON that SPEC.md explains."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.models import Checkpoint, Event, Leaf
from apps.audit.tree import Grown, Tree, leaf_hash


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("event", type=UUID, help="its id")


def run(command: BaseCommand, *, event: UUID, **_: Any) -> None:
    leaf = Leaf.objects.filter(event_id=event).first()
    after = Checkpoint.objects.filter(size__gt=leaf.position).order_by("size").first() if leaf else None
    if leaf is None or after is None:
        seen = Event.objects.filter(pk=event).exists()
        raise CommandError("It is not sealed yet." if seen else "There is no such event, and never was a sealed one.")
    command.stdout.write(json.dumps(proof(leaf, after), indent=2))


def proof(leaf: Leaf, after: Checkpoint) -> dict[str, Any]:
    before = Checkpoint.objects.filter(size__lte=leaf.position).order_by("-size").first()
    tree = Tree.of(before.size, bytes(before.frontier)) if before else Tree()
    leaves = Leaf.objects.filter(position__gte=tree.size, position__lt=after.size).order_by("position")
    grown = Grown(tree, [leaf_hash(bytes(digest)) for digest in leaves.values_list("digest", flat=True)])
    event = Event.objects.filter(pk=leaf.event_id).first()
    return {
        "event": {name: event.stored(name) for name in (*Event.COLUMNS, "digest")} if event else None,
        "event_id": str(leaf.event_id),
        "digest": bytes(leaf.digest).hex(),
        "position": leaf.position,
        "size": after.size,
        "path": [node.hex() for node in grown.inclusion(leaf.position)],
        "checkpoint": after.note,
        "before": before.note if before else None,
        "consistency": [node.hex() for node in grown.consistency()],
    }
