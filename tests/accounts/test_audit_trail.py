"""What accounts do is on record: who, from where, how it ended (ASVS 16.3.1)."""

from typing import Any

import pytest
from django.contrib.auth import logout
from django.dispatch import Signal
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.signals import tell
from apps.audit.models import Event
from tests.accounts.steps import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    WRONG,
    ask_for_reset,
    is_signed_in,
    mailed_code,
    mailed_link,
    sign_in,
    sign_up,
)
from tests.conftest import ClientFor, MakeUser

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.3.1")]


def told() -> list[tuple[str, str]]:
    """Action and outcome of each event of accounts, in order."""
    return [
        (event.action.removeprefix("accounts."), event.outcome)
        for event in Event.objects.filter(action__startswith="accounts.").order_by("id")
    ]


def last() -> Event:
    return Event.objects.filter(action__startswith="accounts.").latest("id")


def test_signing_in_and_out(client: Client, member: User) -> None:
    sign_in(client, REMOTE_ADDR="203.0.113.5")
    assert (last().actor_id, last().target_id, last().ip) == (str(member.pk), str(member.pk), "203.0.113.5")
    client.post(reverse("account_logout"))
    assert told() == [("session.started", "success"), ("session.ended", "success")]


def test_signing_out_unasked_is_no_event(client: Client, rf: RequestFactory) -> None:
    client.post(reverse("account_logout"))
    request = rf.get("/")
    request.session = client.session
    logout(request)
    assert told() == []


def test_a_failed_sign_in_names_the_account_that_was_tried(client: Client, member: User) -> None:
    sign_in(client, email="MEMBER@example.org", password=WRONG)
    assert told() == [("sign_in.failed", "failure")]
    assert last().actor_type == "anonymous"
    assert last().target_id == str(member.pk)
    assert last().reason == "wrong email or password"
    assert EMAIL in last().details
    assert WRONG not in last().details


def test_a_failed_sign_in_to_no_account_is_on_record_too(client: Client) -> None:
    sign_in(client, email="absent@example.org", password=WRONG)
    assert told() == [("sign_in.failed", "failure")]
    assert last().target_id == ""


def test_a_lock_is_on_record_once_and_each_attempt_against_it(client: Client, member: User) -> None:
    for _ in range(4):
        sign_in(client, password=WRONG)
    sign_in(client)
    sign_in(client)
    assert told().count(("sign_in.locked", "denied")) == 1
    assert told().count(("sign_in.failed", "failure")) == 4
    assert told()[-2:] == [("sign_in.failed", "denied")] * 2
    assert last().reason == "locked after too many failures"


def test_being_slowed_down_is_on_record(client: Client, member: User) -> None:
    for number in range(6):
        sign_in(client, password=WRONG, REMOTE_ADDR=f"203.0.113.{number}")
    assert told() == [*[("sign_in.failed", "failure")] * 5, ("sign_in.throttled", "denied")]


def test_signing_up_and_proving_the_address(client: Client) -> None:
    sign_up(client, "new@example.org")
    client.post(reverse("account_email_verification_sent"), {"code": "BBBB-BBBB"})
    client.post(reverse("account_email_verification_sent"), {"code": mailed_code()})
    assert told() == [
        ("user.registered", "success"),
        ("verification.failed", "failure"),
        ("email.confirmed", "success"),
        ("session.started", "success"),
    ]


def test_changing_the_password(client: Client, member: User) -> None:
    sign_in(client)
    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert told()[-1] == ("password.changed", "success")
    assert PASSWORD not in last().changes + last().details
    assert NEW_PASSWORD not in last().changes + last().details


def test_setting_a_first_password(client_for: ClientFor, make_user: MakeUser) -> None:
    client_for(make_user()).post(
        reverse("account_set_password"), {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    )
    assert told()[-1] == ("password.set", "success")


def test_a_reset_asked_for_and_done(client: Client, member: User) -> None:
    ask_for_reset(client)
    form = client.get(mailed_link())["Location"]
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert told() == [("password.reset_requested", "success"), ("password.reset", "success")]
    assert last().target_id == str(member.pk)


def test_a_reset_for_nobody(client: Client) -> None:
    ask_for_reset(client, "absent@example.org")
    assert told() == [("password.reset_requested", "failure")]


def test_changing_the_address_and_the_name(client: Client, member: User) -> None:
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("account_email"), {"email": "new@example.org", "action_add": ""})
    client.post(reverse("account_email_verification_sent"), {"code": mailed_code()})
    client.post(reverse("accounts:profile"), {"name": "Ana"})
    assert sorted(told()[1:]) == [
        ("email.changed", "success"),
        ("email.confirmed", "success"),
        ("profile.changed", "success"),
        ("session.reauthenticated", "success"),
    ]
    changed = Event.objects.get(action="accounts.email.changed")
    assert changed.changes == '{"email":["member@example.org","new@example.org"]}'


def test_saving_the_name_unchanged_is_no_event(client: Client, member: User) -> None:
    sign_in(client)
    client.post(reverse("accounts:profile"), {"name": ""})
    assert told() == [("session.started", "success")]


def test_no_password_reaches_the_log(client: Client, member: User) -> None:
    sign_in(client, password=WRONG)
    sign_in(client)
    for event in Event.objects.all():
        kept = "".join(str(getattr(event, column.attname)) for column in Event._meta.concrete_fields)
        assert PASSWORD not in kept
        assert WRONG not in kept


def test_an_event_that_cannot_be_written_stops_the_sign_in(
    client: Client, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("config.audit_adapters.record", fail)
    assert sign_in(client).status_code == 500
    assert not is_signed_in(client)


def test_requests_above_a_rate_limit_are_on_record_once_a_minute_for_each_address(client: Client, member: User) -> None:
    answers = {ask_for_reset(client, f"somebody{number}@example.org").status_code for number in range(24)}
    assert 429 in answers
    limited = Event.objects.filter(action="accounts.rate.exceeded")
    assert [event.outcome for event in limited] == ["denied"]
    assert limited.get().route.endswith("password/reset/")


def test_every_signal_carries_the_five_arguments_that_a_receiver_may_name() -> None:
    heard: list[dict[str, Any]] = []

    def hear(
        sender: Any, target: Any, outcome: str, changes: Any, reason: str, details: dict[str, Any], **_: Any
    ) -> None:
        heard.append({"target": target, "outcome": outcome, "changes": changes, "reason": reason, "details": details})

    signal = Signal()
    signal.connect(hear)
    tell(signal, outcome="denied")
    assert heard == [{"target": None, "outcome": "denied", "changes": None, "reason": "", "details": {}}]
