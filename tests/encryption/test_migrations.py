"""Migrations hold the label, so that a rename in code can't make what is stored unreadable without anyone saying so."""

import runpy
from pathlib import Path

import pytest
from django.core.exceptions import FieldError
from django.db import connection, migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter

from apps.encryption.fields import Encrypted
from apps.encryption.search import Exact, SealedIndex
from tests.testapp.models import Patient


def written(field: "models.Field[object, object]") -> str:
    text, _ = MigrationWriter.serialize(field)
    return text


def test_a_migration_holds_the_label_the_bound_columns_and_the_search() -> None:
    text = written(Patient._meta.get_field("national_id"))
    assert text.startswith("apps.encryption.fields.Encrypted(models.CharField(")
    assert "label='testapp.patient.national_id'" in text
    assert "search=apps.encryption.search.Exact('digits-1')" in text
    assert "mask" not in text


def test_a_migration_that_was_written_gives_the_same_field_again(tmp_path: Path) -> None:
    state = ModelState.from_model(Patient)
    operation = migrations.CreateModel("Patient", list(state.fields.items()), state.options)
    migration = type("Migration", (migrations.Migration,), {"operations": [operation]})("0001_initial", "testapp")
    path = tmp_path / "written.py"
    path.write_text(MigrationWriter(migration).as_string())
    made = runpy.run_path(str(path))["Migration"].operations[0]
    again = dict(made.fields)["national_id"]
    assert written(again) == written(state.fields["national_id"])
    assert again.frozen_label == "testapp.patient.national_id"
    assert made.options["indexes"] == Patient._meta.indexes


def changes(before: dict[str, Encrypted], after: dict[str, Encrypted]) -> list[str]:
    def state(fields: dict[str, Encrypted]) -> ProjectState:
        project = ProjectState()
        key = models.UUIDField(primary_key=True)
        project.add_model(ModelState("testapp", "Note", [("id", key), *fields.items()]))
        return project

    questions = type("Yes", (), {"ask_rename": lambda *_: True, "ask_initial": lambda *_: True})
    detector = MigrationAutodetector(state(before), state(after), questions())
    found = detector.changes(graph=_NoGraph())  # type: ignore[arg-type]  # has what is asked of it
    return [type(operation).__name__ for made in found.get("testapp", []) for operation in made.operations]


class _NoGraph:
    def leaf_nodes(self, app_label: str | None = None) -> list[tuple[str, str]]:
        return [("testapp", "0001_initial")]


def field(label: str) -> Encrypted:
    return Encrypted(models.TextField(), label=label)


def test_a_field_renamed_with_its_old_label_is_a_rename() -> None:
    old = "testapp.note.notes"
    assert changes({"notes": field(old)}, {"notes": field(old)}) == []
    assert changes({"notes": field(old)}, {"remarks": field(old)}) == ["RenameField"]


def test_a_mask_is_no_migration() -> None:
    masked = Encrypted(models.TextField(), label="x", mask=str)
    assert changes({"notes": field("x")}, {"notes": masked}) == []


def test_an_index_of_tags_is_written_by_its_field() -> None:
    index = SealedIndex("national_id", name="n")
    assert index.deconstruct() == ("apps.encryption.search.SealedIndex", ("national_id",), {"name": "n"})
    assert index.clone() == index
    assert Exact("digits-1") == Exact("digits-1") != Exact()


@pytest.mark.django_db
def test_historical_models_read_and_write_the_same_cells() -> None:
    made = Patient.objects.create(name="Ada", notes="old")
    state = ProjectState()
    for model in (Patient, Patient._meta.get_field("clinic").related_model):
        state.add_model(ModelState.from_model(model))
    historical = state.apps.get_model("testapp", "Patient")
    found = historical._base_manager.get(pk=made.pk)
    assert found.notes == "old"
    found.notes = "new"
    found.save()
    assert Patient.objects.get(pk=made.pk).notes == "new"


@pytest.mark.django_db(transaction=True)
def test_a_nullable_field_is_added_to_a_table_with_rows_and_a_default_is_refused_with_the_way_out() -> None:
    made = Patient.objects.create(name="Ada")
    nullable, filled = (
        Encrypted(models.TextField(**options), label="x") for options in ({"null": True}, {"default": "x"})
    )
    for added in (nullable, filled):
        added.set_attributes_from_name("added")
        added.model = Patient
    with connection.schema_editor() as editor:
        editor.add_field(Patient, nullable)
    try:
        assert raw_added() == [None]
        assert Patient.objects.get(pk=made.pk).name == "Ada"
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(Patient, nullable)
    with pytest.raises(FieldError, match="null=True and no default"), connection.schema_editor() as editor:
        editor.add_field(Patient, filled)


def raw_added() -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT added FROM testapp_patient")
        return [row[0] for row in cursor.fetchall()]
