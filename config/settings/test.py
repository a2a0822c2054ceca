"""For the tests: as production, but for what a test can't have (TLS, slow hashing) and what it must see (errors)."""

import json
import os
import secrets
from base64 import b64encode

TEST_VALUES = {
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "DATABASE_URL": "postgresql://unused.invalid/replaced-below",
    "DEFAULT_FROM_EMAIL": "test@example.org",
    "MAIL_URL": "smtp://localhost:25",
    "REDIS_URL": "redis://localhost:6379/0",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "SITE_URL": "https://testserver",
    "TRUSTED_PROXIES": "192.0.2.1",
}


def ring() -> str:
    """A key ring for this run, made here and not by the code under test."""
    entry = {"state": "primary", "created": "2026-01-01T00:00:00Z", "material": b64encode(os.urandom(32)).decode()}
    return json.dumps({secrets.token_hex(4): entry})


test_database = os.environ.get("DATABASE_URL", "") if os.environ.get("TEST_DATABASE") == "postgresql" else ""
os.environ.update(TEST_VALUES, AUDIT_SIGNING_KEYS=ring(), FIELD_ENCRYPTION_KEYS=ring(), FIELD_INDEX_KEYS=ring())
if test_database:
    os.environ["DATABASE_URL"] = test_database

from config.env import env  # noqa: E402 - reads what the lines above have prepared
from config.settings.base import *  # noqa: E402 - likewise

env.finish()

if not test_database:
    DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}
DATABASES["default"]["CONN_MAX_AGE"] = 0
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT = None  # nothing is collected: files are served from where they lie
WHITENOISE_USE_FINDERS = True
INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]

SECURE_SSL_REDIRECT = False  # the test client speaks plain HTTP; tests/deploy asks a real proxy over TLS
SESSION_COOKIE_NAME, SESSION_COOKIE_SECURE = "sessionid", False
CSRF_COOKIE_NAME, CSRF_COOKIE_SECURE = "csrftoken", False

ACCOUNT_SIGNUP = "open"
RBAC_RAISE_ON_UNKNOWN = True

# The kit's hasher at a price that hundreds of tests can pay; E001 would rightly refuse it.
PASSWORD_HASHERS = ["tests.accounts.cheap_hasher.CheapArgon2idHasher", *PASSWORD_HASHERS[1:]]
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "accounts.E001"]
