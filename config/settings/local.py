"""Loopback only: SQLite, keys made on first use, plain HTTP. All that is looser than production stands here."""

import os
import sys
from pathlib import Path

import structlog

from config import local_keys

VAR = Path(__file__).resolve().parent.parent.parent / "var"
local_keys.prepare(VAR, os.environ)

from config.env import Secret, env  # noqa: E402 - reads what the lines above have prepared
from config.settings.base import *  # noqa: E402 - likewise
from config.settings.logging import logging_with  # noqa: E402 - likewise

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DEBUG = env.boolean("DEBUG", otherwise=False)  # off, so that the demo shows what production shows
DATABASES["default"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR / "db.sqlite3",
    "ATOMIC_REQUESTS": True,
    # IMMEDIATE: two writers wait for each other instead of failing; WAL: readers do not wait.
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10, "init_command": "PRAGMA journal_mode=WAL;"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MAILERS = {"default": {"BACKEND": "config.local_mail.EmailBackend"}}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
SITE_URL = env.url("LOCAL_URL", schemes=("http",), otherwise=Secret("http://127.0.0.1:8000"), cure="")
AUDIT_WITNESSES = [(VAR / "checkpoints").as_uri()]
LOGGING = logging_with(
    structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
)

# Plain HTTP on loopback: no redirect, and cookies without the prefix that needs TLS.
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
SECURE_CSP = {name: sources for name, sources in SECURE_CSP.items() if name != "upgrade-insecure-requests"}
SESSION_COOKIE_NAME, SESSION_COOKIE_SECURE = "sessionid", False
CSRF_COOKIE_NAME, CSRF_COOKIE_SECURE = "csrftoken", False

ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http"
ACCOUNT_SIGNUP = "open"
RBAC_RAISE_ON_UNKNOWN = True
DEMO = True
LOCAL_NOTICE = "Local demo: plain HTTP on this machine only. Mail is printed in the terminal."

env.finish()
