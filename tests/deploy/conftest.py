from collections.abc import Iterator

import pytest

from tests.deploy.client import Client
from tests.deploy.site import Site, program, running_site
from tests.services import postgres_binaries
from tests.services.postgres_binaries import PostgresNotFound


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    try:
        program("nginx")
        postgres_binaries.find(tls=True)
    except (FileNotFoundError, PostgresNotFound) as missing:
        pytest.skip(str(missing))
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def client(site: Site) -> Client:
    """Comes to the proxy over TLS."""
    return Client(site.https_port, authority=site.authority.certificate)
