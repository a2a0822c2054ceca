"""Key rings and key rotation for the tests of encrypted fields."""

import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import override_settings

from apps.encryption.signals import open_failed
from tests.testapp.models import Scan, ScanPage, UnboundScan


def entry(state: str = "primary", material: bytes | None = None, number: int = 1) -> dict[str, Any]:
    text = b64encode(material or os.urandom(32)).decode()
    return {"state": state, "created": "2026-01-31T12:00:00Z", "material": text, "number": number}


def ring(**keys: dict[str, Any]) -> str:
    """`ring(k0000000a=entry())`; the k before a key id only makes it a Python name."""
    return json.dumps({name.removeprefix("k"): key for name, key in keys.items()})


OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture
def use_rings() -> Iterator[Callable[..., None]]:
    """`use_rings(fields=ring(…), indexes=ring(…))` for the rest of the test."""
    changed: list[override_settings] = []

    def use(*, fields: str | None = None, indexes: str | None = None) -> None:
        given = {"FIELD_ENCRYPTION_KEYS": fields, "FIELD_INDEX_KEYS": indexes}
        override = override_settings(**{name: text for name, text in given.items() if text is not None})
        override.enable()
        changed.append(override)

    yield use
    for override in reversed(changed):
        override.disable()


@pytest.fixture(autouse=True)
def failures() -> Iterator[list[dict[str, Any]]]:
    """What signals.open_failed told; no app but this one hears it meanwhile."""
    heard: list[dict[str, Any]] = []

    def hear(**sent: Any) -> None:
        heard.append(sent)

    others, open_failed.receivers = open_failed.receivers, []
    open_failed.connect(hear)
    yield heard
    open_failed.receivers = others
    open_failed.sender_receivers_cache.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the encrypted files of a test are stored, as ciphertext."""
    with pytest.MonkeyPatch.context() as patch:
        for model in (Scan, ScanPage, UnboundScan):
            patch.setattr(model._meta.get_field("file"), "storage", FileSystemStorage(tmp_path / "stored"))
        yield tmp_path / "stored"
