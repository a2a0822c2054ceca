"""What Prometheus may read, who else may not, and what each number counts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit import api, writing
from apps.audit.context import acting_as
from apps.audit.errors import NotRecorded
from apps.audit.models import Event
from apps.encryption.errors import OpenFailed
from apps.encryption.reveal import reveal
from config import metrics
from tests.conftest import MakeUser
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db
TOKEN = "a token of thirty-two characters!"


@pytest.fixture
def token(settings: Settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def asked(client: Client, token: str) -> Any:
    return client.get(reverse("metrics"), headers={"Authorization": f"Bearer {token}"})


def value(name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


@pytest.mark.asvs("13.4.5")
def test_without_a_token_there_are_no_metrics(client: Client) -> None:
    assert asked(client, "").status_code == 404


@pytest.mark.asvs("13.4.5")
@pytest.mark.parametrize("shown", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\u00fc" * 8])
def test_a_wrong_token_is_refused_and_told(client: Client, token: str, shown: str) -> None:
    assert asked(client, token).status_code == 200
    refused = asked(client, shown)
    assert refused.status_code == 401
    assert refused.content == b""
    assert "its token" in Event.objects.get(action="hardening.request.refused").reason


def test_an_administrator_needs_the_token_too(
    administrator: User, client_for: Callable[[User], Client], token: str
) -> None:
    assert client_for(administrator).get(reverse("metrics")).status_code == 401


def test_the_whole_answer_is_readable(client: Client, token: str) -> None:
    names = {family.name for family in text_string_to_metric_families(asked(client, token).text)}
    assert {"audit_events", "audit_write_failures", "http_request_duration_seconds"} <= names


@pytest.mark.django_db(transaction=True)
def test_events_are_counted_when_they_are_committed_and_not_when_they_are_rolled_back() -> None:
    labels = {"action": "testapp.thing.changed", "category": "data", "outcome": "denied"}
    before = value("audit_events_total", **labels)
    api.record("testapp.thing.changed", outcome="denied", to="x")
    assert value("audit_events_total", **labels) == before + 1
    with transaction.atomic():
        api.record("testapp.thing.changed", outcome="denied", to="x")
        transaction.set_rollback(True)
    assert value("audit_events_total", **labels) == before + 1
    with acting_as(None), transaction.atomic():
        api.record_after_rollback("testapp.thing.changed", outcome="denied", to="x")
        transaction.set_rollback(True)
    assert value("audit_events_total", **labels) == before + 2


def test_an_event_that_could_not_be_written_is_counted() -> None:
    before = value("audit_write_failures_total")
    with pytest.raises(NotRecorded), transaction.atomic():
        api.record("no.such.action")
    assert value("audit_write_failures_total") == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_counter_that_fails_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(action: str) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(metrics, "category_of", fails)
    event = api.record("testapp.thing.changed", to="x")
    assert Event.objects.filter(pk=event.pk).exists()
    assert writing.is_collecting() is False


def test_every_action_is_shown_before_it_happens_for_the_first_time() -> None:
    shown = metrics.exposition().decode()
    assert 'audit_events_total{action="rbac.role.granted",category="authorization",outcome="success"}' in shown


def test_failed_opens_of_encrypted_values_are_counted_by_field_and_reason() -> None:
    labels = {"reason": "OpenFailed", "field": "testapp.patient.name"}
    before = value("encryption_open_failed_total", **labels)
    read_damaged()
    assert value("encryption_open_failed_total", **labels) == before + 1


def test_a_failed_open_is_counted_also_where_it_can_not_be_recorded(settings: Settings) -> None:
    """The audit log hears the signal after the counter does."""
    labels = {"reason": "OpenFailed", "field": "testapp.patient.name"}
    before = value("encryption_open_failed_total", **labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "write", refuses)
        with pytest.raises(NotRecorded):
            read_damaged()
    assert value("encryption_open_failed_total", **labels) == before + 1


def refuses(event: Event) -> None:
    raise NotRecorded("the disk is full")


def read_damaged() -> None:
    made = Patient.objects.create(name="Ada", national_id="1234")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_patient SET name = national_id")
    with pytest.raises(OpenFailed):
        _ = Patient.objects.get(pk=made.pk).name


def test_reveals_and_refused_ones_are_counted_by_field(make_user: MakeUser) -> None:
    field = {"field": "testapp.patient.national_id"}
    names = ("encryption_revealed_total", "encryption_reveal_refused_total")
    before = [value(name, **field) for name in names]
    patient = Patient.objects.create(name="Ada", national_id="1234")
    with acting_as(make_user()):
        reveal(patient, "national_id", to=Somebody(may=True), reason="for the referral")
        with pytest.raises(PermissionDenied):
            reveal(patient, "national_id", to=Somebody(may=False), reason="for the referral")
    assert [value(name, **field) for name in names] == [number + 1 for number in before]


class Somebody:
    def __init__(self, *, may: bool) -> None:
        self.may = may

    def has_perm(self, perm: str, obj: Any = None, /) -> bool:
        return self.may


def test_a_request_is_counted_by_its_route_and_never_by_its_path(client: Client) -> None:
    route = {"route": "/accounts/password/reset/key/<uidb36>-<key>/"}
    shown = metrics.exposition().decode()
    client.get("/accounts/password/reset/key/1-abc-hunter2/")
    client.get("/no-such-page-hunter2/")
    after = metrics.exposition().decode()
    assert after != shown
    assert "hunter2" not in after
    assert 'route="none",status="404"' in after
    assert "password/reset/key" in after, route


def test_the_most_refusals_of_one_actor_are_told_without_saying_whose(owner: User, colleague: User) -> None:
    for user, number in ((owner, 3), (colleague, 2)):
        with acting_as(user):
            for _ in range(number):
                api.record("testapp.thing.changed", outcome="denied", to="x")
    assert value("audit_refusals_by_one_actor") == 3
    assert "example.org" not in metrics.exposition().decode()
