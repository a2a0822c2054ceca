"""A throw-away environment that production settings accept, for the tests that start them."""

import secrets
from pathlib import Path

from apps.encryption.keyring import write_new_ring


def environment(folder: Path) -> dict[str, str]:
    """Variables with fresh secrets, as files in `folder`. No database or cache answers at the addresses given."""
    folder.mkdir(exist_ok=True)
    secret = folder / "secret.key"
    secret.touch(0o600)
    secret.write_text(secrets.token_urlsafe(64))
    rings = {}
    for name in ("AUDIT_SIGNING_KEYS", "FIELD_ENCRYPTION_KEYS", "FIELD_INDEX_KEYS"):
        write_new_ring(folder / name.lower())
        rings[f"{name}_FILE"] = str(folder / name.lower())
    return rings | {
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": "postgresql://app:password@db.invalid/site?sslmode=verify-full&sslrootcert=/etc/site/ca.crt",
        "DEFAULT_FROM_EMAIL": "Site <no-reply@example.org>",
        "MAIL_URL": "smtps://user:password@mail.invalid",
        "REDIS_URL": "rediss://:password@cache.invalid:6379/0",
        "SECRET_KEY_FILE": str(secret),
        "SITE_URL": "https://localhost",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
