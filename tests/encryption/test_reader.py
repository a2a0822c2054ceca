"""The format is what SPEC.md says: a reader in another language, with its own cryptography, agrees."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from apps.encryption import rings
from apps.encryption.fields import Encrypted
from apps.encryption.search import Exact
from tests.encryption import reference
from tests.testapp.models import Patient

NODE = shutil.which("node")
READER = Path(__file__).with_name("reader.mjs")
VECTORS = reference.VECTORS / "field-v1.json"
FILES = reference.VECTORS / "file-v1.json"

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node here")


def read(path: Path) -> dict[str, Any]:
    done = subprocess.run([str(NODE), READER, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("path", [VECTORS, FILES], ids=lambda path: path.stem)
def test_it_agrees_with_every_published_vector(path: Path) -> None:
    vectors = json.loads(path.read_text(encoding="utf-8"))
    count = sum(len(vectors.get(kind, [])) for kind in ("positive", "negative", "tags"))
    assert read(path) == {"checked": count, "wrong": []}


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 63, 64])
def test_it_cuts_tags_at_the_same_bit(tmp_path: Path, bits: int) -> None:
    field = Encrypted(models.TextField(), search=Exact("digits-1", bits=bits), label="app.model.text")
    assert field.search is not None
    [(_, tag)] = field.search.tags(field, "12-34")
    vector = {
        "label": "app.model.text",
        "codec": "text",
        "value": "12-34",
        "normalizer": "digits-1",
        "bits": bits,
        "normalized": b"1234".hex(),
        "root": rings.index_ring().primary.material.hex(),
        "tag": tag.hex(),
    }
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"tags": [vector]}))
    assert read(path) == {"checked": 1, "wrong": []}


@pytest.mark.django_db
def test_it_opens_what_the_site_has_just_written(tmp_path: Path) -> None:
    patient = Patient.objects.create(name="Zoë 🧬")
    key = rings.data_ring().primary
    vector = {
        "name": "just written",
        "label": "testapp.patient.name",
        "codec": "text",
        "bind": [["pk", "0a" + patient.pk.hex]],
        "key": key.material.hex(),
        "key_id": key.id,
        "cell": patient.__dict__["name"].cell.hex(),
        "encoded": "Zoë 🧬".encode().hex(),
    }
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"positive": [vector], "negative": [vector | {"error": "no error"}]}))
    found = read(path)
    assert [line.partition(":")[0] for line in found["wrong"]] == ["just written"]  # and the reader does tell
    assert "instead of no error" in found["wrong"][0]
