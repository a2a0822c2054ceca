"""The integrity page, the seal of an event, and the metrics of both: what an administrator sees of the tree."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit import api, queries, sealing, seals, triggers
from apps.audit.context import acting_as
from apps.audit.models import Checkpoint, Event
from apps.audit.notes import Sealed
from apps.audit.tree import leaf_hash
from config import metrics
from tests.audit.merkle import root_by_inclusion
from tests.audit.sealed import attack, happen, stored
from tests.audit.test_pages import auditor

__all__ = ["auditor"]
pytestmark = pytest.mark.django_db


def seal() -> None:
    list(sealing.seal())


def of(event: Event) -> str:
    return reverse("audit:event_detail", args=[event.pk])


def test_nothing_sealed_yet_is_said_in_words(auditor: Client) -> None:
    page = auditor.get(reverse("audit:integrity")).text
    assert "No checkpoint yet" in page
    assert "never" in page


def test_the_page_tells_the_state_and_offers_each_checkpoint(auditor: Client) -> None:
    api.record("testapp.thing.changed", to="x")
    seal()
    page = auditor.get(reverse("audit:integrity"))
    checkpoint = Checkpoint.objects.get()
    assert f"{checkpoint.size} events" in page.text
    answer = auditor.get(reverse("audit:checkpoint", args=[checkpoint.size]))
    assert answer.text == checkpoint.note
    assert answer["Content-Type"].startswith("text/plain")
    assert auditor.get(reverse("audit:checkpoint", args=[999_999])).status_code == 404


def test_a_problem_is_told_first(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "limit", lambda: timedelta(0))
    api.record("testapp.thing.changed", to="x")
    page = auditor.get(reverse("audit:integrity")).text
    assert "Somebody should look" in page
    assert "waiting for their seal" in page


@pytest.mark.parametrize("details", ["no JSON", '{"findings":0}'])
def test_an_inserted_verification_of_a_year_to_come_neither_calls_it_intact_nor_breaks_the_page(
    details: str, auditor: Client
) -> None:
    (forged,) = happen(1, ago=timedelta(days=-365))
    attack(
        "UPDATE audit_event SET action = 'audit.log.verified', details = %s WHERE id = %s", (details, stored(forged.pk))
    )
    assert auditor.get(reverse("audit:integrity")).status_code == 200
    assert seals.status().intact is None
    with acting_as(None):
        api.record("audit.log.verified", outcome="failure", events=9, findings=2)
    assert (seals.status().intact, seals.status().findings) == (False, 2)
    attack("UPDATE audit_event SET details = 'no JSON' WHERE action = 'audit.log.verified'")
    assert seals.status().intact is False


def test_checkpoints_are_listed_in_pages(auditor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    for number in range(3):
        api.record("testapp.thing.changed", to=number)
        seal()
    first = auditor.get(reverse("audit:integrity"))
    second = auditor.get(reverse("audit:integrity"), {"before": first.context["page"]["older"]})
    sizes = [each.size for page in (first, second) for each in page.context["checkpoints"]]
    assert sizes == sorted((each.size for each in Checkpoint.objects.all()), reverse=True)
    assert second.context["page"]["older"] is None
    assert auditor.get(reverse("audit:integrity"), {"before": "x"}).status_code == 200


def test_an_event_waits_for_its_seal_and_then_shows_it(auditor: Client) -> None:
    event = api.record("testapp.thing.changed", to="x")
    assert "waits for its seal" in auditor.get(of(event)).text
    seal()
    page = auditor.get(of(event))
    assert page.context["leaf"].event_id == event.id
    assert reverse("audit:checkpoint", args=[page.context["checkpoint"].size]) in page.text


def test_the_proof_that_is_downloaded_leads_from_the_event_to_the_signed_root(auditor: Client) -> None:
    event = api.record("testapp.thing.changed", to="x")
    assert auditor.get(reverse("audit:proof", args=[event.pk])).status_code == 404
    seal()
    proof = auditor.get(reverse("audit:proof", args=[event.pk])).json()
    leaf = leaf_hash(bytes.fromhex(event.digest))
    root = root_by_inclusion(leaf, proof["position"], proof["size"], map(bytes.fromhex, proof["path"]))
    assert Sealed.read(proof["checkpoint"]).root == root
    assert proof["event"]["digest"] == event.digest


@pytest.mark.asvs("16.4.2")
def test_an_event_that_was_forged_with_its_digest_does_not_fit_its_seal(auditor: Client) -> None:
    event = api.record("testapp.thing.changed", to="x")
    seal()
    event.details = '{"to":"forged"}'
    with triggers.lifted(), connection.cursor() as cursor:
        key = event.id if connection.vendor == "postgresql" else event.id.hex
        cursor.execute(
            "UPDATE audit_event SET details = %s, digest = %s WHERE id = %s",
            [event.details, event.computed_digest(), key],
        )
    page = auditor.get(of(event)).text
    assert "was changed after it was written" not in page, "the digest alone fits"
    assert "The tree holds another digest" in page


def test_the_seals_are_for_those_who_may_read_the_log(stranger: User, client_for: Callable[[User], Client]) -> None:
    for url in (reverse("audit:integrity"), reverse("audit:checkpoint", args=[1])):
        assert client_for(stranger).get(url).status_code == 403


@pytest.mark.asvs("16.3.2")
def test_looking_at_the_seals_is_an_event(auditor: Client) -> None:
    auditor.get(reverse("audit:integrity"))
    assert Event.objects.filter(action="audit.integrity.viewed").count() == 1


def test_the_metrics_tell_how_many_events_are_sealed_and_wait() -> None:
    api.record("testapp.thing.changed", to="x")
    total = Event.objects.count()
    before = metrics.exposition().decode()
    seal()
    after = metrics.exposition().decode()
    assert f"\naudit_unsealed_events {total}.0" in before
    assert "\naudit_unsealed_events 0.0" in after
    assert f"\naudit_sealed_events {total}.0" in after
