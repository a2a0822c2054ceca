"""Key rings that are kept wrapped: unwrapped once when a process starts, or the process does not start."""

import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.encryption import keyring, rings, sources
from apps.encryption.checks import check_rings
from apps.encryption.errors import KeyringError
from apps.encryption.sources import SourceFailed
from tests.encryption import key_services
from tests.encryption.key_services import Fake, begin_anew
from tests.testapp.models import Patient

NAME = "FIELD_ENCRYPTION_KEYS"


@pytest.fixture
def fake(settings: Settings) -> type[Fake]:
    Fake.asked, Fake.down = 0, False
    settings.KEY_SOURCE = {"BACKEND": key_services.FAKE}
    return Fake


@pytest.fixture(autouse=True)
def _a_fresh_process() -> Iterator[None]:
    begin_anew()
    yield
    begin_anew()


@pytest.fixture
def wrapped(fake: type[Fake], settings: Settings) -> str:
    """The site's data ring is kept wrapped from here on."""
    settings.FIELD_ENCRYPTION_KEYS = sources.wrap(NAME, keyring.new_ring())
    Fake.asked = 0
    return str(settings.FIELD_ENCRYPTION_KEYS)


def test_a_wrapped_ring_is_what_it_was(fake: type[Fake]) -> None:
    ring = keyring.new_ring()
    text = sources.wrap(NAME, ring)

    assert json.loads(ring).popitem()[1]["material"] not in text
    assert sources.validate(text) == []
    assert json.loads(sources.plain(NAME, text)) == json.loads(ring)


def test_a_plain_ring_needs_no_source(settings: Settings) -> None:
    settings.KEY_SOURCE = None
    ring = keyring.new_ring()
    assert sources.plain(NAME, ring) == ring


@pytest.mark.asvs("13.3.1")
@pytest.mark.django_db
def test_it_is_unwrapped_when_the_process_starts_and_never_in_a_request(wrapped: str) -> None:
    assert check_rings() == []
    assert Fake.asked == 1
    Fake.down = True

    Client().get("/health/live/")
    rings.forget()  # as a worker does after its fork
    pk = Patient.objects.create(name="Ada").pk

    assert Patient.objects.get(pk=pk).name == "Ada"
    assert Fake.asked == 1


@pytest.mark.django_db
def test_a_process_that_has_not_unwrapped_it_does_not_ask_in_a_request(wrapped: str) -> None:
    Client().get("/health/live/")

    with pytest.raises(KeyringError, match="no request waits for a KMS"):
        rings.data_ring()
    assert Fake.asked == 0


def test_a_child_has_what_its_parent_unwrapped(wrapped: str) -> None:
    rings.data_ring()
    Fake.down = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads may run: this child only reads and ends
        child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    else:
        try:
            key = rings.data_ring().primary.material
        except BaseException:  # noqa: BLE001 - a child must not go on as a second test run
            key = b""
        os._exit(0 if len(key) == 32 else 1)


def test_a_source_that_is_down_at_the_start_stops_the_start_and_is_named(wrapped: str) -> None:
    Fake.down = True
    [message] = check_rings()
    assert (message.id, message.msg) == (
        "encryption.E006",
        f"{NAME} can't be used: fake did not unwrap it: it is down.",
    )


def test_a_source_that_comes_back_is_asked_again(wrapped: str) -> None:
    Fake.down = True
    assert len(check_rings()) == 1
    Fake.down = False
    assert check_rings() == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (None, "KEY_SOURCE is not set"),
        ({"BACKEND": "apps.encryption.aws_kms.AwsKms", "OPTIONS": {"key": "x"}}, "KEY_SOURCE is aws-kms"),
        ({"BACKEND": "no_such_package.Source"}, "No module named"),
    ],
)
def test_a_ring_of_another_source_is_refused_by_name(
    wrapped: str, settings: Settings, source: dict[str, Any] | None, says: str
) -> None:
    settings.KEY_SOURCE = source
    with pytest.raises(KeyringError, match=says):
        sources.plain(NAME, wrapped)


@pytest.mark.parametrize(
    "document", [{"wrapped": "x"}, {"wrapped": 1, "source": "fake"}, {"wrapped": "x", "source": "fake", "key": "y"}]
)
def test_a_malformed_wrapped_ring_is_refused(fake: type[Fake], document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert len(sources.validate(text)) == 1
    with pytest.raises(KeyringError, match="A wrapped ring is"):
        sources.plain(NAME, text)


@pytest.mark.parametrize("inner", [b"\xff", b"{}", b'{"1": 2}'])
def test_what_is_unwrapped_is_held_to_the_rules_of_a_ring(fake: type[Fake], settings: Settings, inner: bytes) -> None:
    settings.FIELD_ENCRYPTION_KEYS = json.dumps({"source": "fake", "wrapped": f"{NAME}:{inner.hex()}"})
    [message] = check_rings()
    assert message.id == "encryption.E006"


def test_a_weak_ring_is_not_wrapped(fake: type[Fake]) -> None:
    with pytest.raises(KeyringError, match="holds no key"):
        sources.wrap(NAME, "{}")


def test_nothing_is_wrapped_without_a_source(settings: Settings) -> None:
    settings.KEY_SOURCE = None
    with pytest.raises(SourceFailed, match="KEY_SOURCE is not set"):
        sources.wrap(NAME, keyring.new_ring())
