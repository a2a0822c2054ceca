"""What seals are kept in: leaves and checkpoints, which are only ever added, and how far each witness has got.

SPEC.md says what a leaf and a checkpoint are. None has a foreign key: a leaf outlives its event in the archive.
"""

from django.db import models

from apps.audit.append_only import AppendOnly


class Leaf(AppendOnly):
    """The place of an event in the tree. With `digest` the tree can be computed again without the event."""

    position = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    digest = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.position}: {self.event_id}"


class Checkpoint(AppendOnly):
    """The signed root of the tree's first `size` leaves. frontier: the hashes from which the next seal goes on."""

    size = models.BigIntegerField(primary_key=True)
    note = models.TextField()
    frontier = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.note


class Archive(AppendOnly):
    """A signed statement that the events from position `begin` up to `end` were moved to a file."""

    begin = models.BigIntegerField(primary_key=True)
    end = models.BigIntegerField(unique=True)
    note = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.note


class Progress(models.Model):
    """How far a witness has got that checkpoints are sent to. failing_since and error are empty while all goes well."""

    name = models.CharField(max_length=200, primary_key=True)
    size = models.BigIntegerField(default=0)
    failing_since = models.CharField(max_length=24)
    error = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.size}"
