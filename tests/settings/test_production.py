"""Production refuses to start when it is weak, and says everything that is wrong at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.production import environment

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = (
    "SECRET_KEY",
    "AUDIT_SIGNING_KEYS",
    "FIELD_ENCRYPTION_KEYS",
    "FIELD_INDEX_KEYS",
    "ALLOWED_HOSTS",
    "SITE_URL",
    "TRUSTED_PROXIES",
    "DATABASE_URL",
    "REDIS_URL",
    "MAIL_URL",
    "DEFAULT_FROM_EMAIL",
)


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production", **environ}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.asvs("13.4.2")
def test_an_empty_environment_is_refused_with_one_list_of_all_that_is_missing() -> None:
    refused = run("manage.py", "check")
    assert refused.returncode != 0
    assert f"{len(NEEDED)} settings are missing or weak" in refused.stderr
    for name in NEEDED:
        assert f"{name}: is not set." in refused.stderr


def test_each_weak_value_is_named_and_no_secret_is_shown(tmp_path: Path) -> None:
    weak = environment(tmp_path) | {
        "SECRET_KEY": "too-short-to-sign",
        "ALLOWED_HOSTS": "*",
        "TRUSTED_PROXIES": "0.0.0.0/0",
        "FIELD_INDEX_KEYS": "{}",
    }
    refused = run("manage.py", "check", **weak)
    assert refused.returncode != 0
    assert "4 settings are missing or weak" in refused.stderr
    assert "too-short-to-sign" not in refused.stderr


@pytest.mark.asvs("13.4.2")
def test_the_deployment_checks_are_clean(tmp_path: Path) -> None:
    checked = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment(tmp_path))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_variable_turns_debug_on(tmp_path: Path) -> None:
    asked = "from config.settings.production import DEBUG; print(DEBUG)"
    assert run("-c", asked, **environment(tmp_path), DEBUG="true").stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("DATABASE_URL", "postgresql://app:pw@db.example.org/site", "hardening.E007"),
        ("DATABASE_URL", "postgresql://app:pw@db.example.org/site?sslmode=require", "hardening.E007"),
        ("REDIS_URL", "redis://:pw@cache.example.org:6379/0", "hardening.E008"),
    ],
)
def test_a_connection_in_the_clear_fails_the_checks(tmp_path: Path, name: str, value: str, check: str) -> None:
    checked = run("manage.py", "check", "--deploy", **environment(tmp_path) | {name: value})
    assert checked.returncode != 0
    assert check in checked.stderr


def test_what_is_wrong_is_told_without_a_stack_trace() -> None:
    assert "Traceback" not in run("manage.py", "check").stderr
    assert "Traceback" in run("manage.py", "check", "--traceback").stderr


def test_a_broken_key_ring_is_named_with_one_cure(tmp_path: Path) -> None:
    (tmp_path / "ring").touch(0o600)
    (tmp_path / "ring").write_text("{")
    refused = run("manage.py", "check", **environment(tmp_path) | {"FIELD_INDEX_KEYS_FILE": str(tmp_path / "ring")})
    assert "FIELD_INDEX_KEYS: The ring is not JSON." in refused.stderr
    assert refused.stderr.count("manage.py keys generate") == 1
