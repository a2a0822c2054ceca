"""Where a key ring comes from: as it is, or wrapped by a key that never leaves a KMS.

A ring in a variable or a file is read by the settings. It may instead be there wrapped, as JSON text of this form:

    {"source": "aws-kms", "wrapped": "AQICAHh…"}

`KEY_SOURCE` then names who unwraps it: {"BACKEND": "apps.encryption.aws_kms.AwsKms", "OPTIONS": {…}}. That is asked
once in a process, when it starts, and never in a request: the site does not fall with the KMS, and a start without it
is refused (fail closed). A process that forks keeps what its parent unwrapped.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from apps.encryption import keyring
from apps.encryption.errors import EncryptionError, KeyringError

MEMBERS = {"source", "wrapped"}


class SourceFailed(EncryptionError):
    """A key source could not wrap or unwrap. The message says what it answered and what to do, without material."""


class KeySource(Protocol):
    """Holds a key with which it wraps rings. `context` is the ring's setting: one ring can't pass for another."""

    name: str

    def wrap(self, plain: bytes, context: str) -> str:
        """Raises SourceFailed."""

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Raises SourceFailed: it can't be reached, it refuses, or this is not what it wrapped for this context."""


serving = False  # since the first request


def validate(text: str, *, index: bool = False, public: bool = False) -> list[str]:
    """All that is wrong with a ring's text, wrapped or not. Asks no source and needs no settings."""
    document = wrapped_document(text)
    if document is None:
        return keyring.validate(text, index=index, public=public)
    if document.keys() != MEMBERS or not all(isinstance(value, str) and value for value in document.values()):
        return [f"A wrapped ring is a JSON object with {' and '.join(sorted(MEMBERS))}, both text, and nothing else."]
    return []


def wrapped_document(text: str) -> dict[str, Any] | None:
    """The members of a wrapped ring; None if the text is a plain one, or no ring at all."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "wrapped" in found else None


@sensitive_variables("text")
def plain(name: str, text: str) -> str:
    """The plain text of the ring in the setting `name`. Raises KeyringError if its source does not unwrap it."""
    return text if wrapped_document(text) is None else unwrapped(name, text)


@cache  # for as long as the process lives; what could not be unwrapped is not kept
def unwrapped(name: str, text: str) -> str:
    """The same of a wrapped ring."""
    if problems := validate(text):
        raise KeyringError(name, problems)
    if serving:
        raise KeyringError(name, ["It was not unwrapped when the process started, and no request waits for a KMS."])
    document = json.loads(text)
    try:
        source = configured()
        if source is None or source.name != document["source"]:
            using = f"KEY_SOURCE is {source.name}" if source else "KEY_SOURCE is not set"
            raise SourceFailed(f"It is wrapped by {document['source']}, but {using}.")
        return source.unwrap(document["wrapped"], name).decode("ascii")  # as every ring is
    except SourceFailed as error:
        problem = str(error)
    except UnicodeDecodeError:
        problem = "What was unwrapped is no key ring."
    raise KeyringError(name, [problem])


def wrap(name: str, text: str) -> str:
    """The wrapped form of a plain ring for the setting `name`. Raises KeyringError, and SourceFailed without a source.

    What comes out is unwrapped once, so that nobody learns at the next start that it can't be.
    """
    if problems := keyring.validate(text):
        raise KeyringError(name, problems)
    source = configured()
    if source is None:
        raise SourceFailed("KEY_SOURCE is not set, so there is nothing to wrap a ring with.")
    compact = json.dumps(json.loads(text), separators=(",", ":")).encode()
    wrapped = source.wrap(compact, name)
    if source.unwrap(wrapped, name) != compact:
        raise SourceFailed(f"{source.name} gave back another ring than it was given. Nothing was written.")
    return json.dumps({"source": source.name, "wrapped": wrapped}, indent=2) + "\n"


def configured() -> KeySource | None:
    """The source that KEY_SOURCE names. Raises SourceFailed if its package is missing or its options are wrong."""
    chosen: Mapping[str, Any] | None = getattr(settings, "KEY_SOURCE", None)
    if not chosen:
        return None
    try:
        source: KeySource = import_string(chosen["BACKEND"])(**chosen.get("OPTIONS", {}))
    except ImportError as error:
        cure = "Is its package installed (requirements/kms.txt, requirements/vault.txt)?"
        raise SourceFailed(f"KEY_SOURCE can't be used: {error}. {cure}") from error
    return source


def serve(**_: Any) -> None:
    """Receiver of request_started: from now on no source is asked."""
    global serving
    serving = True
