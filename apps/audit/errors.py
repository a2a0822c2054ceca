"""What the audit log refuses, by name. No message holds a value of an event: it may be a secret."""


class AuditError(Exception):
    """Base of all errors of the audit log."""


class ActionError(AuditError):
    """An action is declared wrongly or twice: the start is refused."""


class AppendOnlyError(AuditError):
    """Somebody tried to change or delete a row which may only be added."""


class BadNote(AuditError):
    """What this log has not signed. kind: malformed, wrong signature, unknown key, or retired key."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


class NoSigningKey(AuditError):
    """Nothing can be sealed, for want of a key to sign with."""


class NotRecorded(AuditError):
    """An event could not be written, so what it tells of must not happen either."""


class MissingActor(NotRecorded):
    """The action is one that a person does, and nobody is known to do it."""


class SealerBusy(AuditError):
    """Another process seals at this moment; there is nothing to do."""


class Unsealable(AuditError):
    """The last seal is not what it was, so that nothing may be built on it. `audit verify` says what is wrong."""


class UnknownAction(NotRecorded, LookupError):
    """No app has registered an action of this name."""


class Unserializable(NotRecorded, TypeError):
    """A value has no harmless text: it might be a secret whose `repr` would reach the log."""
