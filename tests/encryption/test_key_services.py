"""The optional key sources, each beside its server: what they wrap, what they refuse, and how they name it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from apps.encryption import keyring, rings, sources
from apps.encryption.aws_kms import AwsKms
from apps.encryption.checks import check_rings
from apps.encryption.sources import SourceFailed
from apps.encryption.vault_transit import VaultTransit
from tests.encryption import key_services
from tests.testapp.models import Patient

NAME = "FIELD_ENCRYPTION_KEYS"

MakeSource = Callable[..., Any]


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[key_services.Vault]:
    with key_services.vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture
def transit(vault: key_services.Vault) -> MakeSource:
    def make(**changed: Any) -> VaultTransit:
        options = {"key": "rings", "url": vault.url, "token": key_services.TOKEN}
        return VaultTransit(**(options | {"ca": str(vault.authority.certificate)} | changed))

    vault.transit.sealed = False
    return make


@pytest.fixture(scope="module")
def kms_address() -> Iterator[str]:
    with key_services.aws() as url:
        yield url


@pytest.fixture
def kms(kms_address: str, monkeypatch: pytest.MonkeyPatch) -> MakeSource:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("kms", region_name="eu-north-1", endpoint_url=kms_address)
    key = client.create_key()["KeyMetadata"]["KeyId"]

    def make(**changed: Any) -> AwsKms:
        return AwsKms(**({"key": key, "region": "eu-north-1", "url": kms_address} | changed))

    return make


@pytest.fixture(params=["kms", "transit"])
def make_source(request: pytest.FixtureRequest) -> MakeSource:
    made: MakeSource = request.getfixturevalue(request.param)
    return made


def test_each_source_unwraps_what_it_wrapped(make_source: MakeSource) -> None:
    wrapped = make_source().wrap(b"a ring", NAME)
    assert "a ring" not in wrapped
    assert make_source().unwrap(wrapped, NAME) == b"a ring"


def test_no_source_takes_one_ring_for_another(make_source: MakeSource) -> None:
    wrapped = make_source().wrap(b"a ring", NAME)
    with pytest.raises(SourceFailed, match="did not unwrap it"):
        make_source().unwrap(wrapped, "FIELD_INDEX_KEYS")


def test_no_source_takes_what_was_changed(make_source: MakeSource) -> None:
    wrapped = make_source().wrap(b"a ring", NAME)
    middle = len(wrapped) // 2
    changed = wrapped[:middle] + ("A" if wrapped[middle] != "A" else "B") + wrapped[middle + 1 :]
    with pytest.raises(SourceFailed):
        make_source().unwrap(changed, NAME)


def test_a_key_that_is_not_there_is_named(make_source: MakeSource) -> None:
    with pytest.raises(SourceFailed, match="with no-such-key"):
        make_source(key="no-such-key").wrap(b"a ring", NAME)


def test_a_kms_that_cannot_be_reached_is_named(kms: MakeSource) -> None:
    with pytest.raises(SourceFailed, match="EndpointConnectionError"):
        kms(url="http://127.0.0.1:1").unwrap("AAAA", NAME)


def test_a_ring_that_is_too_large_for_kms_is_told_before_it_is_sent(kms: MakeSource) -> None:
    with pytest.raises(SourceFailed, match="4097 bytes"):
        kms().wrap(b"x" * 4097, NAME)


def test_a_ring_wrapped_with_another_key_of_kms_is_refused(kms: MakeSource) -> None:
    import boto3

    client = boto3.client("kms", region_name="eu-north-1", endpoint_url=kms().url)
    other = client.create_key()["KeyMetadata"]["KeyId"]
    wrapped = kms(key=other).wrap(b"a ring", NAME)
    with pytest.raises(SourceFailed, match="did not unwrap it"):
        kms().unwrap(wrapped, NAME)


def test_a_vault_that_cannot_be_reached_is_named(transit: MakeSource) -> None:
    with pytest.raises(SourceFailed, match="ConnectionError"):
        transit(url="https://127.0.0.1:1").unwrap("vault:v1:AAAA", NAME)


def test_a_sealed_vault_is_named(transit: MakeSource, vault: key_services.Vault) -> None:
    wrapped = transit().wrap(b"a ring", NAME)
    vault.transit.sealed = True
    with pytest.raises(SourceFailed, match="VaultDown"):
        transit().unwrap(wrapped, NAME)


def test_a_token_that_may_not_is_named_and_not_shown(transit: MakeSource) -> None:
    with pytest.raises(SourceFailed, match="Forbidden") as refused:
        transit(token="another-token").wrap(b"a ring", NAME)
    assert "another-token" not in str(refused.value)


@pytest.mark.asvs("12.3.2")
def test_a_vault_with_an_unknown_certificate_gets_no_token(transit: MakeSource, vault: key_services.Vault) -> None:
    before = list(vault.transit.asked)
    with pytest.raises(SourceFailed, match="SSLError"):
        transit(ca="").wrap(b"a ring", NAME)
    assert vault.transit.asked == before


def test_a_vault_is_not_asked_in_the_clear() -> None:
    with pytest.raises(SourceFailed, match="https:// only"):
        VaultTransit("rings", url="http://127.0.0.1:8200", token="x")


@pytest.fixture
def chosen(settings: Settings) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """`chosen(backend, options)`: the site keeps its data ring wrapped by this source, in a fresh process."""

    def choose(backend: str, options: dict[str, Any]) -> None:
        settings.KEY_SOURCE = {"BACKEND": backend, "OPTIONS": options}
        settings.FIELD_ENCRYPTION_KEYS = sources.wrap(NAME, keyring.new_ring())

    key_services.begin_anew()
    yield choose
    key_services.begin_anew()


@pytest.mark.asvs("13.3.1")
@pytest.mark.django_db
def test_a_vault_that_is_sealed_after_the_start_is_not_missed(
    vault: key_services.Vault, transit: MakeSource, chosen: Callable[[str, dict[str, Any]], None]
) -> None:
    options = {"key": "rings", "url": vault.url, "token": key_services.TOKEN, "ca": transit().ca}
    chosen("apps.encryption.vault_transit.VaultTransit", options)
    assert check_rings() == []
    asked = len(vault.transit.asked)
    vault.transit.sealed = True
    rings.forget()  # as a child does after its fork

    pk = Patient.objects.create(name="Ada").pk
    assert Patient.objects.get(pk=pk).name == "Ada"
    assert len(vault.transit.asked) == asked


@pytest.mark.asvs("13.3.1")
@pytest.mark.django_db
def test_a_kms_is_asked_when_the_process_starts_and_names_itself_if_it_is_down(
    kms: MakeSource, chosen: Callable[[str, dict[str, Any]], None], settings: Settings
) -> None:
    source = kms()
    chosen("apps.encryption.aws_kms.AwsKms", {"key": source.key, "region": source.region, "url": source.url})
    assert check_rings() == []
    pk = Patient.objects.create(name="Ada").pk
    assert Patient.objects.get(pk=pk).name == "Ada"

    key_services.begin_anew()
    rings.forget()
    settings.KEY_SOURCE["OPTIONS"]["url"] = "http://127.0.0.1:1"
    [message] = check_rings()
    assert (message.id, "aws-kms did not unwrap it" in message.msg) == ("encryption.E006", True)
