"""`manage.py audit seal`, `status`, `verify` and `prove`, as an operator runs them."""

import io
import json
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import override_settings

from apps.audit import notes, sealing
from apps.audit.commands import seal as seal_command
from apps.audit.errors import SealerBusy
from apps.audit.models import Checkpoint, Event, Leaf
from apps.audit.notes import Sealed
from apps.audit.seals import status
from apps.audit.tree import leaf_hash
from tests.audit.merkle import is_consistent, root_by_inclusion
from tests.audit.sealed import attack, happen, seal, stored

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.2")]


def audit(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    with suppress(CommandError):
        call_command("audit", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def test_seal_seals_what_waits_and_tells_the_witnesses(tmp_path: Path) -> None:
    happen(2)
    with override_settings(AUDIT_WITNESSES=[(tmp_path / "kept").as_uri()]):
        said = as_json("seal")
        assert said["size"] == Event.objects.count() == said["events"]
        assert (tmp_path / "kept").exists()
        assert audit("seal") == "0 events sealed.\n"


def test_seal_with_late_is_on_record() -> None:
    happen(1)
    seal()
    (forged,) = happen(1, ago=timedelta(days=3))
    audit("seal")
    assert not Leaf.objects.filter(event_id=forged.pk).exists()
    audit("seal", "--late")
    assert Leaf.objects.filter(event_id=forged.pk).exists()
    assert json.loads(Event.objects.get(action="audit.events.admitted").details) == {"count": 1}


def test_seal_for_ever_goes_on_after_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    happen(1)
    errors = [DatabaseError("gone"), SealerBusy("Another sealer is at work."), None]
    sealed = sealing.seal

    def flaky(**options: Any) -> Any:
        if error := errors.pop(0):
            raise error
        return sealed(**options)

    def sleep(seconds: float) -> None:
        assert seconds == 5
        if not errors:
            raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "seal", flaky)
    monkeypatch.setattr(seal_command.time, "sleep", sleep)
    monkeypatch.setattr(seal_command, "close_old_connections", lambda: None)
    with caplog.at_level("INFO", "audit.emergency"), pytest.raises(KeyboardInterrupt):
        audit("seal", "--every", "5")
    assert [record.levelname for record in caplog.records if record.name == "audit.emergency"] == ["CRITICAL", "INFO"]
    assert Checkpoint.objects.count() == 1


def test_seal_fails_when_the_last_checkpoint_is_not_to_be_built_on() -> None:
    happen(1)
    seal()
    attack("UPDATE audit_checkpoint SET note = 'x'")
    with pytest.raises(CommandError, match=r"manage\.py audit verify"):
        audit("seal")


def test_without_a_signing_key_nothing_is_sealed() -> None:
    happen(1)
    with override_settings(AUDIT_SIGNING_KEYS=""), pytest.raises(CommandError, match="keys generate audit"):
        audit("seal")
    assert not Leaf.objects.exists()


def test_status_tells_what_is_well() -> None:
    happen(2)
    seal()
    audit("verify")
    seal()
    said = audit("status")
    assert f"Sealed    {Event.objects.count()} events" in said
    assert ": intact" in said
    assert notes.ring()[0].verifier("testserver/audit") in said
    assert status().problems == ()


def test_status_fails_when_events_wait_too_long() -> None:
    happen(1)
    seal()
    happen(2, ago=timedelta(minutes=20))
    found = as_json("status")
    assert found["unsealed"] == 2
    assert found["oldest_unsealed"].startswith("P0DT00H20M")
    with pytest.raises(CommandError, match="waiting for their seal"):
        audit("status")


def test_status_fails_when_the_last_checkpoint_or_verification_is_bad() -> None:
    happen(1)
    seal()
    attack("UPDATE audit_checkpoint SET note = 'x'")
    with pytest.raises(CommandError):
        audit("verify")
    with pytest.raises(CommandError, match=r"not to be trusted(?s:.*)last verification found 1 problems"):
        audit("status")


def test_verify_tells_progress_rate_and_verdict_and_is_on_record() -> None:
    happen(3)
    seal()
    errors = io.StringIO()
    out = io.StringIO()
    call_command("audit", "verify", stdout=out, stderr=errors)
    assert re.search(r"\d+ events up to position \d+ in .* a second\): intact\.", out.getvalue())
    assert "left" in errors.getvalue()
    told = Event.objects.get(action="audit.log.verified")
    assert (told.outcome, json.loads(told.details)["findings"]) == ("success", 0)


def test_verify_names_what_is_wrong_and_fails_and_that_is_on_record_too() -> None:
    (event,) = happen(1)
    seal()
    attack("UPDATE audit_event SET ip = '6.6.6.6' WHERE id = %s", (stored(event.pk),))
    found = as_json("verify")
    assert not found["intact"]
    assert found["findings"][0][:2] == ["event changed", str(event.pk)]
    with pytest.raises(CommandError, match="1 problems"):
        audit("verify")
    assert Event.objects.filter(action="audit.log.verified").latest("id").outcome == "failure"


def test_verify_may_write_nothing() -> None:
    happen(1)
    seal()
    audit("verify", "--no-record")
    assert not Event.objects.filter(action="audit.log.verified").exists()


def test_verify_compares_with_checkpoints_kept_elsewhere(tmp_path: Path) -> None:
    happen(1)
    seal()
    kept = tmp_path / "kept"
    kept.write_text(Checkpoint.objects.get().note)
    assert "intact" in audit("verify", "--against", str(kept))
    attack("DELETE FROM audit_checkpoint")
    with override_settings(AUDIT_WITNESSES=[kept.as_uri()]):
        assert "log cut" in {kind for kind, *_ in as_json("verify")["findings"]}
    kept.write_text("nothing")
    with pytest.raises(CommandError, match="holds no checkpoint"):
        audit("verify", "--against", str(kept))
    with pytest.raises(CommandError, match="can't be verified"):
        audit("verify", "--against", str(tmp_path / "none"))


def test_verify_since_reads_what_was_sealed_since(monkeypatch: pytest.MonkeyPatch) -> None:
    happen(5)
    seal()
    before = Event.objects.count()
    time = Sealed.read(Checkpoint.objects.get().note).time
    happen(2)
    seal()
    later = Sealed.read(Checkpoint.objects.latest("size").note).time
    assert as_json("verify", "--since", later, "--no-record")["events"] == 2
    assert as_json("verify", "--since", time, "--no-record")["events"] == before + 2


@pytest.mark.parametrize("period", [0, 1, 2])
def test_prove_gives_a_path_to_a_signed_root_and_ties_it_to_the_one_before(period: int) -> None:
    events = []
    for _ in range(3):
        events.append(happen(5)[2])
        seal()
    proof = json.loads(audit("prove", str(events[period].pk)))
    sealed = Sealed.read(proof["checkpoint"])
    digest = bytes.fromhex(Event(**proof["event"]).computed_digest())
    assert digest.hex() == proof["digest"] == events[period].digest
    path = [bytes.fromhex(node) for node in proof["path"]]
    assert root_by_inclusion(leaf_hash(digest), proof["position"], proof["size"], path) == sealed.root
    if period:
        before = Sealed.read(proof["before"])
        consistency = [bytes.fromhex(node) for node in proof["consistency"]]
        assert is_consistent(before.size, sealed.size, before.root, sealed.root, consistency)


def test_prove_says_when_there_is_nothing_to_prove() -> None:
    (event,) = happen(1)
    with pytest.raises(CommandError, match="not sealed yet"):
        audit("prove", str(event.pk))
    with pytest.raises(CommandError, match="no such event"):
        audit("prove", "00000000-0000-7000-8000-000000000000")
