"""Looking at the log is an event too, so that nobody watches the others unseen."""

from functools import partial

from apps.audit.actions import Action, Audience, Category, Severity, register

told = partial(Action, category=Category.AUDIT, audience=Audience.AUDITORS)
NOTICE, WARNING = Severity.NOTICE, Severity.WARNING

register(
    told("audit.activity.viewed", "{actor} looked at their own activity"),
    told("audit.event.viewed", "{actor} opened the event {target} of the audit log", severity=NOTICE),
    told("audit.events.admitted", "{details.count} events whose time was long past were sealed", severity=WARNING),
    told("audit.integrity.viewed", "{actor} looked at the seals of the audit log"),
    told("audit.log.archived", "{details.events} events were moved to the archive {details.file}", severity=WARNING),
    told("audit.log.exported", "{actor} exported events of the audit log as {details.format}", severity=WARNING),
    told("audit.log.verified", "{details.findings} problems were found in {details.events} events", severity=NOTICE),
    told("audit.log.viewed", "{actor} looked at the audit log", severity=NOTICE),
    *(
        Action(f"audit.row.{verb}", f"{{target}} was {verb} by SQL, as {{details.user}}", Category.DATA, WARNING)
        for verb in ("changed", "created", "deleted")
    ),
    told("audit.timeline.viewed", "{actor} looked at the history of {details.of}", severity=NOTICE),
)
