"""Somebody runs code as the site and writes to its database as the site may. The site holds public halves of the
signing keys alone, so he can sign nothing; and what it shows of the log is right all the same."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import CommandError
from django.test import Client, override_settings
from django.urls import reverse

from apps.audit import notes, sealing
from apps.audit.checks import seals_can_be_signed
from apps.audit.errors import NoSigningKey
from apps.audit.models import Checkpoint, Event
from apps.audit.notes import Sealed, origin, signed
from apps.audit.tree import Tree, leaf_hash
from tests.audit.sealed import happen, seal
from tests.audit.test_audit_command import audit
from tests.audit.test_pages import auditor
from tests.audit.test_signing_keys import keys

__all__ = ["auditor"]
pytestmark = [pytest.mark.django_db, pytest.mark.asvs("13.3.1", "16.4.2")]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[None]:
    """A sealed log, and a process that is given what the guide gives the site."""
    happen(3)
    seal()
    keys("public", "audit", "--file", str(tmp_path / "public.json"))
    with override_settings(AUDIT_SIGNING_KEYS=(tmp_path / "public.json").read_text()):
        yield


def test_the_site_shows_the_log_as_intact(site: None, auditor: Client) -> None:
    assert "intact" in audit("verify")
    page = auditor.get(reverse("audit:integrity"))
    assert page.status_code == 200
    assert "not to be trusted" not in page.text
    assert notes.ring()[0].verifier(origin()) in audit("status")
    assert seals_can_be_signed() == []


def test_he_finds_no_material_in_the_site(site: None) -> None:
    (key,) = notes.ring()
    assert key.private is None
    assert "material" not in str.__str__(settings.AUDIT_SIGNING_KEYS)


def test_he_can_not_sign_and_is_told_which_process_can(site: None, tmp_path: Path) -> None:
    happen(1)
    with pytest.raises(NoSigningKey, match="holds only public halves here"):
        signed("x\n")
    with pytest.raises(NoSigningKey):
        list(sealing.seal())
    assert Checkpoint.objects.count() == 1
    for command in (("seal",), ("seal", "--every", "5")):
        with pytest.raises(CommandError, match="set AUDIT_SIGNING_KEYS_FILE to it for this command"):
            audit(*command)


def test_a_checkpoint_that_he_writes_himself_is_named_and_on_record(site: None) -> None:
    """With the id of the key that he can not have, over the tree as it would be."""
    (event,) = happen(1)
    last = Checkpoint.objects.latest("size")
    told, tree = Sealed.read(last.note), Tree.of(last.size, bytes(last.frontier))
    tree.append(leaf_hash(bytes.fromhex(event.digest)))
    text = Sealed(tree.size, tree.root(), told.time, told.through, 1).text()
    false = notes.ring()[0].note_id(origin()) + Ed25519PrivateKey.generate().sign(text.encode())
    note = f"{text}\n\u2014 {origin()} {b64encode(false).decode()}\n"
    Checkpoint(size=tree.size, note=note, frontier=tree.packed()).save()
    with pytest.raises(CommandError, match="problems"):
        audit("verify")
    found = Event.objects.filter(action="audit.log.verified").latest("id")
    assert found.outcome == "failure"
    assert json.loads(found.details)["findings"] >= 1
