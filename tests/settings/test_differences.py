"""Local and test settings loosen what stands here, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.production import environment

ROOT = Path(__file__).resolve().parent.parent.parent
DUMP = """
import importlib, json, re, sys
module = importlib.import_module(sys.argv[1])
shown = {name: repr(getattr(module, name)) for name in dir(module) if name.isupper()}
print(json.dumps({name: re.sub(" at 0x[0-9a-f]+", "", text) for name, text in shown.items()}))
"""
# By the environment, which differs between any two installations.
GIVEN = {
    "ALLOWED_HOSTS",
    "AUDIT_WITNESSES",
    "CACHES",
    "DATABASES",
    "DEFAULT_FROM_EMAIL",
    "MAILERS",
    "SERVER_EMAIL",
    "SITE_URL",
    "STATIC_ROOT",
    "TRUSTED_PROXIES",
}
NO_TLS = {
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
}
LOOSENED = {
    "local": {
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL",
        "ACCOUNT_SIGNUP",
        "DEMO",
        "LOCAL_NOTICE",
        "LOGGING",
        "RBAC_RAISE_ON_UNKNOWN",
        "SECURE_CSP",
        "SECURE_HSTS_SECONDS",
        "STORAGES",
        "VAR",
        "WHITENOISE_AUTOREFRESH",
        "WHITENOISE_USE_FINDERS",
        *NO_TLS,
    },
    "test": {
        "ACCOUNT_SIGNUP",
        "INSTALLED_APPS",
        "PASSWORD_HASHERS",
        "RBAC_RAISE_ON_UNKNOWN",
        "SILENCED_SYSTEM_CHECKS",
        "STORAGES",
        "TEST_VALUES",
        "WHITENOISE_USE_FINDERS",
        *NO_TLS,
    },
}


def dumped(name: str, folder: Path) -> dict[str, str]:
    """Every setting's repr. The settings modules read their environment once, so each has a process of its own."""
    variables = {"PATH": os.environ["PATH"], "TEST_DATABASE": "sqlite"}
    variables |= environment(folder) if name != "test" else {}
    command = [sys.executable, "-c", DUMP, f"config.settings.{name}"]
    ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    settings: dict[str, str] = json.loads(ran.stdout)
    return settings


@pytest.mark.parametrize("name", ["local", "test"])
def test_settings_for_development_loosen_only_what_is_listed(name: str, tmp_path: Path) -> None:
    production, other = dumped("production", tmp_path), dumped(name, Path(str(tmp_path) + "-2"))
    differing = {key for key in production | other if production.get(key) != other.get(key)}
    assert differing - GIVEN == LOOSENED[name]
