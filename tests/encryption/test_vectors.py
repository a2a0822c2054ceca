"""The code reproduces every published vector, and a second implementation of the specification agrees with it."""

import hashlib
import json
import uuid
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from apps.encryption import errors
from apps.encryption.attributes import Sealed
from apps.encryption.binding import Binding
from apps.encryption.envelope import Xaes
from apps.encryption.fields import Encrypted
from apps.encryption.search import Exact
from tests.encryption import reference
from tests.encryption.conftest import entry, ring
from tests.testapp.models import Patient

FIELD = json.loads((reference.VECTORS / "field-v1.json").read_text(encoding="utf-8"))
XAES = json.loads((reference.VECTORS / "xaes-256-gcm.json").read_text(encoding="utf-8"))
INNER: "dict[str, models.Field[Any, Any]]" = {
    "binary": models.BinaryField(),
    "boolean": models.BooleanField(),
    "date": models.DateField(),
    "datetime": models.DateTimeField(),
    "decimal": models.DecimalField(max_digits=12, decimal_places=2),
    "duration": models.DurationField(),
    "float": models.FloatField(),
    "integer": models.BigIntegerField(),
    "json": models.JSONField(encoder=DjangoJSONEncoder),
    "text": models.TextField(),
    "time": models.TimeField(),
    "uuid": models.UUIDField(),
}

UseRings = Callable[..., None]


def by_name(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def bound_value(encoded: str) -> Any:
    raw = bytes.fromhex(encoded)
    kinds = {0x01: bytes.decode, 0x02: int.from_bytes, 0x0A: lambda value: uuid.UUID(bytes=value)}
    return kinds[raw[0]](raw[1:])  # type: ignore[operator]  # each takes bytes


class BoundAs(Binding):
    """Bound to the names and values of a vector, whatever the model has."""

    def __init__(self, bind: list[list[str]]) -> None:
        self.model = Patient
        self.fields = {name: models.Field() for name, _ in bind}
        self.attnames = ()
        self.row_only = [name for name, _ in bind] == ["pk"]
        given = tuple(bound_value(value) for _, value in bind)
        self.given = given[0] if self.row_only else given

    def of(self, instance: Any) -> Any:
        return self.given


def declare(vector: dict[str, Any], use_rings: UseRings) -> Encrypted:
    """The field that a vector is about, with its keys in force."""
    index = vector.get("index")
    use_rings(fields=ring(**{vector["key_id"]: entry(material=bytes.fromhex(vector["key"]))}))
    if index:
        root = entry(material=bytes.fromhex(index["root"]), number=index["root_number"])
        use_rings(indexes=ring(k0000000a=root))
    search = Exact(index["name"]) if index and vector["codec"] == "text" else None
    field = Encrypted(INNER[vector["codec"]].clone(), search=search, label=vector["label"])
    field.set_attributes_from_name("vector")
    field.__dict__["binding"] = BoundAs(vector["bind"])
    return field


def value_of(vector: dict[str, Any]) -> Any:
    if vector["codec"] == "binary":
        return bytes.fromhex(vector["value"])
    return vector["value"] if vector["codec"] == "json" else INNER[vector["codec"]].to_python(vector["value"])


@by_name(FIELD["positive"])
def test_each_cell_opens_to_its_value(vector: dict[str, Any], use_rings: UseRings) -> None:
    value = declare(vector, use_rings).open(Sealed(bytes.fromhex(vector["cell"])), Patient())
    assert (type(value), value) == (type(value_of(vector)), value_of(vector))


@by_name(FIELD["positive"])
def test_sealing_with_the_nonce_of_a_vector_gives_its_cell(vector: dict[str, Any], use_rings: UseRings) -> None:
    field, nonce = declare(vector, use_rings), bytes.fromhex(vector["nonce"])
    with mock.patch("apps.encryption.envelope.random_bytes", side_effect=[nonce[:12], nonce[12:]]):
        sealed = field.seal(value_of(vector), Patient())
    assert sealed.cell.hex() == vector["cell"]


@pytest.mark.asvs("11.3.3")
@by_name(FIELD["negative"])
def test_each_bad_cell_is_refused_for_its_reason(vector: dict[str, Any], use_rings: UseRings) -> None:
    field = declare(vector, use_rings)
    with pytest.raises(errors.EncryptionError) as refused:
        field.open(Sealed(bytes.fromhex(vector["cell"])), Patient())
    assert type(refused.value).__name__ == vector["error"]


@pytest.mark.parametrize("vector", FIELD["tags"], ids=[f"{v['normalizer']} {v['value']!r}" for v in FIELD["tags"]])
def test_each_value_has_the_blind_tag_of_its_normalizer(vector: dict[str, Any], use_rings: UseRings) -> None:
    use_rings(indexes=ring(k0000000a=entry(material=bytes.fromhex(vector["root"]))))
    field = Encrypted(INNER[vector["codec"]].clone(), search=Exact(vector["normalizer"]), label=vector["label"])
    assert field.search is not None
    value = field.prepare(INNER[vector["codec"]].to_python(vector["value"]))
    assert field.search.tags(field, value) == [(True, bytes.fromhex(vector["tag"]))]


@pytest.mark.parametrize("vector", FIELD["short_tags"], ids=lambda vector: f"{vector['bits']} bits")
def test_a_short_tag_is_cut_from_one_of_its_own_key(vector: dict[str, Any], use_rings: UseRings) -> None:
    use_rings(indexes=ring(k0000000a=entry(material=bytes.fromhex(vector["root"]))))
    search = Exact(vector["normalizer"], bits=vector["bits"])
    field = Encrypted(models.TextField(), search=search, label=vector["label"])
    assert search.tags(field, vector["value"]) == [(True, bytes.fromhex(vector["tag"]))]


def test_the_published_file_is_what_the_second_implementation_makes() -> None:
    assert (reference.VECTORS / "field-v1.json").read_text(encoding="utf-8") == reference.field_vectors()


@pytest.mark.asvs("11.3.1", "11.3.2")
@pytest.mark.parametrize("vector", XAES["vectors"])
def test_xaes_256_gcm_is_that_of_its_specification(vector: dict[str, str]) -> None:
    cipher, nonce, plaintext, aad = (bytes.fromhex(vector[name]) for name in ("key", "nonce", "plaintext", "aad"))
    sealed = nonce + bytes.fromhex(vector["ciphertext"])
    assert Xaes(cipher).derive(nonce[:12]).encrypt(nonce[12:], plaintext, aad) == sealed[24:]
    assert Xaes(cipher).open(sealed, aad) == plaintext


def test_xaes_256_gcm_passes_the_ten_thousand_accumulated_vectors() -> None:
    stream, hashed = hashlib.shake_128().digest(4_000_000), hashlib.shake_128()
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        position += size
        return stream[position - size : position]

    for _ in range(XAES["accumulated"]["iterations"]):
        cipher, nonce = Xaes(take(32)), take(24)
        plaintext, aad = take(take(1)[0]), take(take(1)[0])
        hashed.update(cipher.derive(nonce[:12]).encrypt(nonce[12:], plaintext, aad))
    assert hashed.hexdigest(32) == XAES["accumulated"]["hash"]


def test_vectors_hold_the_key_material_in_no_other_form() -> None:
    """A key of the vectors is public: it must not be a ring that someone could paste into a setting."""
    assert b64encode(bytes.fromhex(FIELD["positive"][0]["key"])).decode() not in json.dumps(FIELD)
