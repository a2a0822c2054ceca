"""gunicorn does not start a weak site: one list of all that is wrong, for an operator to read."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.site import gunicorn
from tests.production import environment
from tests.project.tree import ROOT, clean_environment
from tests.services.process import free_port

pytestmark = pytest.mark.slow
NEEDED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "TRUSTED_PROXIES")


def start(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = gunicorn("--bind", f"127.0.0.1:{free_port()}")
    given = clean_environment(**environ)
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.asvs("13.4.2")
def test_an_empty_environment_is_refused_with_one_list() -> None:
    refused = start({})
    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert [name for name in NEEDED if told.count(f"{name}: is not set.") != 1] == []
    assert "Traceback" not in told


def test_weak_values_are_refused_with_one_list_that_shows_no_secret(tmp_path: Path) -> None:
    weak = {"ALLOWED_HOSTS": "*", "SECRET_KEY": "guess-me", "TRUSTED_PROXIES": "0.0.0.0/0"}
    good = environment(tmp_path)
    del good["SECRET_KEY_FILE"]
    refused = start(good | weak)
    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert [name for name in weak if told.count(f"{name}: ") != 1] == []
    assert "guess-me" not in told
    assert "Traceback" not in told
