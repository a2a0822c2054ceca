"""One table for each subject: the same columns, tracked in that library's usual way."""

from typing import Any, ClassVar

from auditlog.registry import auditlog
from django.db import connection, models
from simple_history.models import HistoricalRecords

from apps.audit.models import Event
from apps.audit.querysets import AuditedQuerySet

PLAIN, OURS, AUDITLOG, HISTORY, TRIGGER = "untracked", "rampart", "django-auditlog", "simple-history", "pghistory"


class Invoice(models.Model):
    number = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    paid = models.BooleanField(default=False)
    notes = models.TextField()
    due = models.DateField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number


class Untracked(Invoice): ...


class Ours(Invoice):
    objects = AuditedQuerySet.as_manager()

    class Audit: ...


class Auditlog(Invoice): ...


class History(Invoice):
    history = HistoricalRecords()


auditlog.register(Auditlog)

SUBJECTS: dict[str, Any] = {PLAIN: Untracked, OURS: Ours, AUDITLOG: Auditlog, HISTORY: History}

if connection.vendor == "postgresql":
    import pghistory

    @pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
    class Trigger(Invoice): ...

    SUBJECTS[TRIGGER] = Trigger


class PlainEvent(models.Model):
    """The row of an event, with its indexes, and without anything that the audit log does for it."""

    for field in Event._meta.concrete_fields:
        locals()[field.name] = field.clone()
    del field

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["actor_type", "actor_id", "-id"], name="plain_event_actor"),
            models.Index(fields=["target_type", "target_id", "-id"], name="plain_event_target"),
            models.Index(fields=["action", "-id"], name="plain_event_action"),
        ]

    def __str__(self) -> str:
        return str(self.id)
