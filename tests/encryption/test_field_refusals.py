"""What an encrypted field refuses: wrong values, unusable rings, options that can not be, dumps in the clear."""

from typing import Any

import pytest
from django.db import models, transaction
from django.test import override_settings

from apps.encryption.errors import KeyringError
from apps.encryption.fields import Encrypted
from apps.encryption.search import Exact
from tests.testapp.models import Clinic, Everything, Patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    made = Patient.objects.create(name="Ada", notes="marker-notes", national_id="12-34", weight=60, history=[{"a": 1}])
    return Patient.objects.get(pk=made.pk)


@pytest.mark.asvs("16.2.5")
def test_a_value_of_the_wrong_kind_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"testapp\.everything\.integer can't hold this value") as refused:
        Everything.objects.create(integer="marker-secret")
    shown = refused.value
    assert "marker" not in str(shown)
    assert shown.__suppress_context__
    assert all("marker" not in repr(frame.frame.f_locals) for frame in _frames_of_the_app(refused))


def _frames_of_the_app(refused: Any) -> list[Any]:
    return [entry for entry in refused.traceback if "apps/encryption" in str(entry.path).replace("\\", "/")]


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_without_a_usable_ring_nothing_is_written_or_read(patient: Patient, text: str) -> None:
    with override_settings(FIELD_ENCRYPTION_KEYS=text):
        with pytest.raises(KeyringError, match="FIELD_ENCRYPTION_KEYS"), transaction.atomic():
            Patient.objects.create(name="Ada")
        with pytest.raises(KeyringError, match="FIELD_ENCRYPTION_KEYS"):
            _ = Patient.objects.get(pk=patient.pk).name
    assert Patient.objects.count() == 1


@pytest.mark.parametrize(
    ("inner", "options", "message"),
    [
        (lambda: models.CharField(unique=True), {}, "can't have unique"),
        (lambda: models.SlugField(), {}, "can't have db_index"),
        (lambda: models.UUIDField(primary_key=True), {}, "can't have primary_key"),
        (lambda: models.DateTimeField(auto_now=True), {}, "can't have auto_now"),
        (lambda: models.CharField(db_default="x"), {}, "can't have db_default"),
        (lambda: models.FileField(), {}, "can't wrap a FileField"),
        (lambda: models.ForeignKey(Clinic, models.CASCADE), {}, "can't wrap a ForeignKey"),
        (lambda: models.JSONField(), {"search": Exact()}, "can't be searched"),
        (lambda: models.IntegerField(), {"search": Exact("digits-1")}, "is for text"),
    ],
)
def test_what_can_not_be_encrypted_is_refused_where_it_is_declared(inner: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Encrypted(inner(), **options)


def test_an_unknown_normalizer_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="digits-1, email-1, identity, nfkc-casefold-1"):
        Exact("digits")
