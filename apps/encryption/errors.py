"""What can go wrong with an encrypted value. No message holds a value, a ciphertext or key material.

The base is plain Exception on purpose: template variables and serializers swallow AttributeError, KeyError,
TypeError and ValueError, and would show an empty page where a tampered cell was.
"""


class EncryptionError(Exception):
    """The base of all below."""


class KeyringError(EncryptionError):
    """A key ring can't be used: it is missing, malformed or weak. The message lists all that is wrong."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.name, self.problems = name, problems
        super().__init__(f"{name} can't be used: {' '.join(problems)}")


class KeyUnavailable(EncryptionError):
    """A cell names a key that the ring does not hold, or holds as retired or destroyed."""

    def __init__(self, key_id: str, why: str) -> None:
        self.key_id = key_id
        super().__init__(f"Key {key_id} {why}.")


class OpenFailed(EncryptionError):
    """A cell does not authenticate: it was changed, moved from another row or column, or sealed with another key.

    Which of them can't be told: GCM only says no.
    """

    def __init__(self, label: str, pk: object, key_id: str) -> None:
        self.label, self.pk, self.key_id = label, pk, key_id
        super().__init__(
            f"{label} of row {pk} can't be opened with key {key_id}: "
            "it was changed, moved from another row or column, or sealed with another key."
        )


class NotSealed(EncryptionError):
    """The column holds something that is no cell, such as text written there by SQL. It is never taken for a value."""


class UnknownFormat(EncryptionError):
    """A cell, or the padding or codec inside it, is of a format that this version does not read."""


class Locked(Exception):
    """This process was told to do without the data keys. No EncryptionError: nothing is wrong with the value."""


class TooLarge(EncryptionError):
    """A file has more bytes than its field takes, or more or fewer than it said it had."""
