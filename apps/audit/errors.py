"""What the audit log refuses, by name. No message holds a value of an event: it may be a secret."""


class AuditError(Exception):
    """Base of all errors of the audit log."""


class ActionError(AuditError):
    """An action is declared wrongly or twice: the start is refused."""


class AppendOnlyError(AuditError):
    """Somebody tried to change or delete a row which may only be added."""


class NotRecorded(AuditError):
    """An event could not be written, so what it tells of must not happen either."""


class MissingActor(NotRecorded):
    """The action is one that a person does, and nobody is known to do it."""


class UnknownAction(NotRecorded, LookupError):
    """No app has registered an action of this name."""


class Unserializable(NotRecorded, TypeError):
    """A value has no harmless text: it might be a secret whose `repr` would reach the log."""
