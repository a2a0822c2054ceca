"""Django for the measurement: every subject in one process and one SQLite file, keys made for this run."""

import io
import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import django
import tink
from django.conf import settings
from tink import aead, cleartext_keyset_handle

from apps.encryption.keyring import new_ring


def set_up(folder: Path) -> None:
    """Everything is in `folder`: the database, and the one key that a peer wants in a file."""
    keyset = folder / "tink.json"
    keyset.write_text(tink_keyset())
    settings.configure(
        INSTALLED_APPS=["apps.encryption", "benchmarks.encryption.app.BenchmarkConfig"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "benchmark.sqlite3")}},
        SECRET_KEY=os.urandom(32).hex(),
        USE_TZ=True,
        FIELD_ENCRYPTION_KEYS=new_ring(),
        FIELD_INDEX_KEYS=new_ring(),
        FIELD_ENCRYPTION_KEY=urlsafe_b64encode(os.urandom(32)).decode(),
        SALT_KEY=os.urandom(32).hex(),
        TINK_FIELDS_CONFIG={"default": {"cleartext": True, "path": str(keyset)}},
        CRYPTOGRAPHY_BACKEND=None,
    )
    django.setup()


def tink_keyset() -> str:
    aead.register()
    text = io.StringIO()
    handle: Any = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    cleartext_keyset_handle.write(tink.JsonKeysetWriter(text), handle)
    return json.dumps(json.loads(text.getvalue()))
