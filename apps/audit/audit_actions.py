"""Looking at the log is an event too, so that nobody watches the others unseen."""

from apps.audit.actions import Action, Audience, Category, Severity, register

register(
    Action("audit.activity.viewed", "{actor} looked at their own activity", Category.AUDIT, audience=Audience.AUDITORS),
    Action(
        "audit.event.viewed",
        "{actor} opened the event {target} of the audit log",
        Category.AUDIT,
        Severity.NOTICE,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.events.admitted",
        "{details.count} events whose time was long past were sealed all the same",
        Category.AUDIT,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.integrity.viewed",
        "{actor} looked at the seals of the audit log",
        Category.AUDIT,
        Severity.INFO,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.log.archived",
        "{details.events} events were moved to the archive {details.file}",
        Category.AUDIT,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.log.exported",
        "{actor} exported events of the audit log as {details.format}",
        Category.AUDIT,
        Severity.WARNING,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.log.verified",
        "The audit log was verified: {details.findings} problems in {details.events} events",
        Category.AUDIT,
        Severity.NOTICE,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.log.viewed",
        "{actor} looked at the audit log",
        Category.AUDIT,
        Severity.NOTICE,
        audience=Audience.AUDITORS,
    ),
    Action(
        "audit.timeline.viewed",
        "{actor} looked at the history of {details.of}",
        Category.AUDIT,
        Severity.NOTICE,
        audience=Audience.AUDITORS,
    ),
)
