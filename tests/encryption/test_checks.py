"""Declarations that would lose data or let it be moved are refused when the site starts."""

# ruff: noqa: DJ008 - the models here live for one test

from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.core.checks import Error
from django.core.exceptions import FieldError
from django.db import models
from django.db.migrations.state import ModelState, ProjectState
from django.test import override_settings
from django.test.utils import isolate_apps

from apps.encryption import checks
from apps.encryption.fields import Encrypted
from apps.encryption.querysets import SealedQuerySet
from tests.testapp.models import Patient, Tenanted


def ids(messages: list[Any]) -> list[str]:
    assert all(isinstance(message, Error) for message in messages)
    return [str(message.id) for message in messages]


def test_the_models_of_the_tests_are_right() -> None:
    assert checks.check_models() == checks.check_rings() == checks.check_labels() == []
    assert Patient.check() == Tenanted.check() == []


@pytest.mark.asvs("11.3.3")
@isolate_apps("tests.testapp")
def test_binding_to_a_key_that_the_database_makes_up_is_refused() -> None:
    class Note(models.Model):
        text = Encrypted(models.TextField())

        class Meta:
            app_label = "testapp"

    messages = Note.check()
    assert ids(messages) == ["encryption.E001"]
    assert "bind=None works with any key" in str(messages[0].hint)


@isolate_apps("tests.testapp")
def test_binding_to_what_is_no_column_or_has_no_fixed_form_is_refused() -> None:
    class Note(models.Model):
        made = models.DateTimeField()
        text = Encrypted(models.TextField(), bind=("nothing", "made"))

        class Meta:
            app_label = "testapp"

    assert ids(Note.check()) == ["encryption.E003", "encryption.E003"]


@isolate_apps("tests.testapp")
def test_the_checks_of_the_inner_field_are_run() -> None:
    class Note(models.Model):
        text = Encrypted(models.DecimalField(max_digits=2, decimal_places=4), bind=None)

        class Meta:
            app_label = "testapp"

    assert ids(Note.check()) == ["fields.E134"]


@isolate_apps("tests.testapp")
def test_children_of_an_abstract_model_have_labels_of_their_own() -> None:
    class Base(models.Model):
        text = Encrypted(models.TextField(), bind=None)

        class Meta:
            abstract = True
            app_label = "testapp"

    class One(Base):
        class Meta:
            app_label = "testapp"

    class Two(Base):
        class Meta:
            app_label = "testapp"

    labels = [model._meta.get_field("text").frozen_label for model in (One, Two)]
    assert labels == ["testapp.one.text", "testapp.two.text"]
    assert One._meta.get_field("text").inner is not Two._meta.get_field("text").inner


@pytest.mark.asvs("11.3.3")
@isolate_apps("tests.testapp")
def test_a_label_that_two_fields_share_is_refused() -> None:
    class Note(models.Model):
        one = Encrypted(models.TextField(), bind=None, label="same")
        two = Encrypted(models.TextField(), bind=None, label="same")
        objects = SealedQuerySet.as_manager()

        class Meta:
            app_label = "testapp"

    with mock.patch.object(apps, "get_models", return_value=[Note]):
        assert ids(checks.check_models()) == ["encryption.E004"]


@isolate_apps("tests.testapp")
def test_a_manager_that_can_not_write_in_bulk_is_refused_and_at_the_first_query_an_order_of_ciphertext() -> None:
    class Sorted(models.Model):
        text = Encrypted(models.TextField(), bind=None)

        class Meta:
            app_label = "testapp"
            ordering = ("-text",)

    with mock.patch.object(apps, "get_models", return_value=[Sorted]):
        assert ids(checks.check_models()) == ["encryption.E007"]
    with pytest.raises(FieldError, match="can't sort by it"):
        str(Sorted._default_manager.all().query)


@pytest.mark.parametrize("setting", ["FIELD_ENCRYPTION_KEYS", "FIELD_INDEX_KEYS"])
@pytest.mark.parametrize("text", ["", "{}"])
def test_a_ring_that_can_not_be_used_is_told_by_its_setting(setting: str, text: str) -> None:
    with override_settings(**{setting: text}):
        messages = checks.check_rings()
    assert ids(messages) == ["encryption.E006"]
    assert setting in messages[0].msg


def label_messages(before: dict[str, str], model: str = "Patient") -> list[Any]:
    """What the check says if the migrations of testapp end with these fields (name to label) in this model."""
    state = ProjectState()
    fields = [(name, Encrypted(models.TextField(), label=label)) for name, label in before.items()]
    state.add_model(ModelState("testapp", model, [("id", models.UUIDField(primary_key=True)), *fields]))
    loader = mock.Mock(migrated_apps={"testapp"}, project_state=lambda: state)
    with (
        mock.patch.object(checks, "MigrationLoader", return_value=loader),
        mock.patch.object(
            checks,
            "labeled_fields",
            return_value=[field for field in Patient._meta.fields if isinstance(field, Encrypted)],
        ),
    ):
        return checks.check_labels()


def test_labels_that_are_as_migrated_and_new_fields_are_fine() -> None:
    assert label_messages({"notes": "testapp.patient.notes"}) == []


@pytest.mark.parametrize(
    ("before", "model"),
    [
        ({"notes": "testapp.patient.text"}, "Patient"),
        ({"remarks": "testapp.patient.remarks"}, "Patient"),
        ({"notes": "testapp.client.notes"}, "Client"),
    ],
    ids=["other label", "renamed field", "renamed model"],
)
def test_a_label_that_is_gone_is_told_with_the_way_to_keep_it(before: dict[str, str], model: str) -> None:
    messages = label_messages(before, model)
    label = next(iter(before.values()))
    assert ids(messages) == ["encryption.E002"]
    assert f"label={label!r}" in messages[0].hint


def test_a_field_renamed_with_its_label_is_fine() -> None:
    notes = Patient._meta.get_field("notes")
    with mock.patch.object(notes, "frozen_label", "testapp.patient.remarks"):
        assert label_messages({"remarks": "testapp.patient.remarks"}) == []


@isolate_apps("tests.testapp")
def test_a_field_that_is_declared_above_what_it_is_bound_to_is_refused() -> None:
    class Note(models.Model):
        text = Encrypted(models.TextField(), bind=("code",))
        code = models.CharField(max_length=8)

        class Meta:
            app_label = "testapp"

    messages = Note.check()
    assert ids(messages) == ["encryption.E009"]
    assert messages[0].hint == "Declare code first."
