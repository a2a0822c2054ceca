"""The metrics of a real site: two workers count together, the proxy lets nobody near, only the token opens them."""

import os
import signal
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.client import Client
from tests.deploy.site import Site

pytestmark = pytest.mark.slow


def scrape(site: Site) -> str:
    answer = Client(site.application_port).get("/metrics", authorization=f"Bearer {site.environ['METRICS_TOKEN']}")
    assert answer.status == 200
    return answer.text


def hits(site: Site, route: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(scrape(site))
        for sample in family.samples
        if sample.name == "http_request_duration_seconds_count" and sample.labels["route"] == route
    )


def workers(site: Site) -> list[int]:
    """The process ids of gunicorn's workers, from its log."""
    booted = [line.rpartition("pid: ")[2] for line in site.log().splitlines() if "Booting worker with pid" in line]
    return [pid for pid in map(int, booted) if Path(f"/proc/{pid}").exists()]


@pytest.mark.asvs("13.4.5")
def test_the_proxy_shows_no_metrics_to_anybody(site: Site, client: Client) -> None:
    assert scrape(site)
    answer = client.get("/metrics", authorization=f"Bearer {site.environ['METRICS_TOKEN']}")
    assert answer.status == 404
    assert "audit_events" not in answer.text


def test_beside_the_proxy_the_token_is_still_asked_for(site: Site) -> None:
    assert Client(site.application_port).get("/metrics").status == 401


def test_twenty_hits_on_two_workers_are_twenty(site: Site) -> None:
    assert len(workers(site)) == 2
    before = hits(site, "/health/live/")
    for _ in range(20):
        Client(site.application_port).get("/health/live/")
    assert hits(site, "/health/live/") == before + 20


def test_what_a_killed_worker_counted_is_kept_and_its_successor_goes_on(site: Site) -> None:
    before = hits(site, "/health/live/")
    for _ in range(10):
        Client(site.application_port).get("/health/live/")
    os.kill(workers(site)[0], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(workers(site)) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    for _ in range(10):
        Client(site.application_port).get("/health/live/")
    assert hits(site, "/health/live/") == before + 20


def test_the_failed_sign_ins_of_the_site_are_in_the_metrics(site: Site) -> None:
    assert 'audit_events_total{action="accounts.sign_in.failed",category="authentication",outcome="failure"}' in scrape(
        site
    )
