"""Key rings that are kept wrapped: chosen by variables, written and changed by `manage.py keys`."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.encryption import keyring, sources
from config.env import Env
from config.key_source import read_key_source
from config.security.startup import refuse_weak_start
from tests.encryption.key_services import FAKE, Fake, begin_anew

NAME = "FIELD_ENCRYPTION_KEYS"
VAULT = {
    "KEY_SOURCE": "vault-transit",
    "KEY_SOURCE_KEY": "rings",
    "KEY_SOURCE_URL": "https://vault.example.org",
    "KEY_SOURCE_TOKEN": "hvs.a-token",
}


@pytest.fixture(autouse=True)
def _a_fresh_process(settings: Settings) -> Iterator[None]:
    Fake.asked, Fake.down = 0, False
    settings.KEY_SOURCE = {"BACKEND": FAKE}
    begin_anew()
    yield
    begin_anew()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("keys", *arguments, stdout=out)
    return out.getvalue()


def plain(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sources.plain(NAME, path.read_text()))
    return found


def test_with_a_source_a_new_ring_is_written_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    said = run("generate", "fields", "--file", str(path))

    ((key_id, entry),) = plain(path).items()
    assert key_id in said
    assert entry["material"] not in path.read_text()
    assert json.loads(path.read_text())["source"] == "fake"


def test_a_ring_is_not_made_while_its_source_is_down(tmp_path: Path) -> None:
    Fake.down = True
    with pytest.raises(CommandError, match="it is down"):
        run("generate", "fields", "--file", str(tmp_path / "ring.json"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_plain_ring_is_wrapped_in_its_file_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    path.write_text(ring := keyring.new_ring())
    path.chmod(0o600)
    run("wrap", "fields", "--file", str(path))

    assert plain(path) == json.loads(ring)
    assert json.loads(ring).popitem()[1]["material"] not in path.read_text()


@pytest.mark.django_db
def test_a_key_is_added_to_a_wrapped_ring_which_stays_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    run("generate", "fields", "--file", str(path))
    run("add", "fields", "--file", str(path))

    assert [entry["state"] for entry in plain(path).values()] == ["primary", "decrypt-only"]
    assert json.loads(path.read_text()).keys() == {"source", "wrapped"}


@pytest.mark.asvs("13.3.1")
@pytest.mark.django_db
def test_a_site_does_not_start_while_its_source_is_down_and_says_so(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = sources.wrap(NAME, keyring.new_ring())
    Fake.down = True
    with pytest.raises(ImproperlyConfigured, match="fake did not unwrap it: it is down"):
        refuse_weak_start()


def test_no_source_is_the_default() -> None:
    env = Env({})
    assert (read_key_source(env), env.problems) == (None, [])


def test_a_vault_is_chosen_by_variables() -> None:
    env = Env(VAULT)
    chosen = read_key_source(env)
    assert env.problems == []
    assert chosen is not None
    source = sources.import_string(chosen["BACKEND"])(**chosen["OPTIONS"])
    assert (source.name, source.key, source.url) == ("vault-transit", "rings", "https://vault.example.org")
    assert "hvs.a-token" not in repr(chosen)


def test_a_kms_needs_a_key_only() -> None:
    env = Env({"KEY_SOURCE": "aws-kms", "KEY_SOURCE_KEY": "alias/rings"})
    chosen = read_key_source(env)
    assert env.problems == []
    assert chosen is not None
    assert sources.import_string(chosen["BACKEND"])(**chosen["OPTIONS"]).name == "aws-kms"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"KEY_SOURCE": "gcp"}, "KEY_SOURCE: 'gcp' is not one of aws-kms, vault-transit."),
        ({"KEY_SOURCE_KEY": ""}, "KEY_SOURCE_KEY: is not set. KEY_SOURCE=vault-transit needs it."),
        ({"KEY_SOURCE_URL": "http://vault.example.org"}, "KEY_SOURCE_URL: does not start with https://."),
        ({"KEY_SOURCE_TOKEN": ""}, "KEY_SOURCE_TOKEN: is not set. KEY_SOURCE=vault-transit needs it."),
    ],
)
def test_what_is_missing_or_wrong_is_named(changed: dict[str, str], says: str) -> None:
    env = Env(VAULT | changed)
    read_key_source(env)
    assert says in "\n".join(env.problems)
