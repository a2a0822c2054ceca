"""Keys for local runs: random, made on first use, kept in var/ (0600, not in git). No secret has a default."""

import secrets
from collections.abc import MutableMapping
from pathlib import Path

from apps.encryption.keyring import write_new_ring

LOCAL_VALUES = {
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    "DATABASE_URL": "postgresql://unused.invalid/replaced-by-local-settings",
    "DEFAULT_FROM_EMAIL": "demo@localhost",
    "MAIL_URL": "smtp://localhost:25",
    "REDIS_URL": "redis://localhost:6379/0",
    "SITE_URL": "https://localhost",
    "TRUSTED_PROXIES": "127.0.0.1",
}


def prepare(folder: Path, environ: MutableMapping[str, str]) -> None:
    """Make the key files that are not there yet in `folder`, and name them in `environ` with the local values.

    A variable that is set already stays: so a developer may try a production value locally.

    Raises:
        OSError: the folder or a file in it can't be written.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, file_name, write in (
        ("SECRET_KEY", "secret.key", write_secret),
        ("AUDIT_SIGNING_KEYS", "audit.json", write_new_ring),
        ("FIELD_ENCRYPTION_KEYS", "fields.json", write_new_ring),
        ("FIELD_INDEX_KEYS", "indexes.json", write_new_ring),
    ):
        if name in environ or f"{name}_FILE" in environ:
            continue
        path = folder / file_name
        if not path.exists():
            write(path)
        environ[f"{name}_FILE"] = str(path)
    for name, value in LOCAL_VALUES.items():
        if f"{name}_FILE" not in environ:
            environ.setdefault(name, value)


def write_secret(path: Path) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(secrets.token_urlsafe(64))
