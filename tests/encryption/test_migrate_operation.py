"""A migration seals a column, or fails before anything is lost; taken back, it gives every value again."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter

from apps.encryption.fields import Encrypted
from apps.encryption.operations import NotMoved, SealField
from tests.encryption.test_rotate import cells, put

pytestmark = pytest.mark.django_db


def test_the_operation_is_written_into_a_migration() -> None:
    operation = SealField("Note", "text", "sealed")
    migration = type("Migration", (migrations.Migration,), {"operations": [operation]})("0002_x", "testapp")
    text = MigrationWriter(migration).as_string()
    assert "import apps.encryption.operations" in text
    assert 'model_name="Note"' in text.replace("'", '"')
    assert operation.migration_name_fragment == "seal_note_text"


class Notes:
    """A table of its own, taken through the operations of a migration, forwards and back."""

    def __init__(self) -> None:
        key = ("id", models.UUIDField(primary_key=True))
        self.states = [ProjectState()]
        self.states[0].add_model(ModelState("testapp", "Note", [key, ("text", models.TextField(null=True))]))
        sealed = Encrypted(models.TextField(null=True), label="testapp.note.text")
        self.operations: list[Any] = [
            migrations.AddField("note", "sealed", sealed),
            SealField("note", "text", "sealed"),
            migrations.RemoveField("note", "text"),
            migrations.RenameField("note", "sealed", "text"),
        ]
        for operation in self.operations:
            state = self.states[-1].clone()
            operation.state_forwards("testapp", state)
            self.states.append(state)

    def model(self, step: int) -> Any:
        return self.states[step].apps.get_model("testapp", "Note")

    def forwards(self, *steps: int) -> None:
        for step in steps:
            with connection.schema_editor(atomic=True) as editor:
                before, after = self.states[step], self.states[step + 1]
                self.operations[step].database_forwards("testapp", editor, before, after)

    def backwards(self, *steps: int) -> None:
        for step in steps:
            with connection.schema_editor(atomic=True) as editor:
                before, after = self.states[step], self.states[step + 1]
                self.operations[step].database_backwards("testapp", editor, after, before)


@pytest.fixture
def notes(transactional_db: None) -> Iterator[Notes]:
    made = Notes()
    with connection.schema_editor() as editor:
        editor.create_model(made.model(0))
    yield made
    with connection.schema_editor() as editor:
        editor.delete_model(made.model(0))


def texts(model: Any) -> dict[Any, Any]:
    return {row.pk: row.text for row in model._base_manager.all()}


def test_a_migration_seals_a_column_and_taken_back_gives_every_value_again(notes: Notes) -> None:
    rows = {uuid.uuid4(): text for text in ("Ada", "", None, "ß" * 500)}
    notes.model(0)._base_manager.bulk_create([notes.model(0)(pk=key, text=text) for key, text in rows.items()])
    notes.forwards(0, 1, 2, 3)
    assert texts(notes.model(4)) == rows
    assert all(cell[:1] == b"\x81" for cell in cells(notes.model(4), "text"))
    notes.backwards(3, 2, 1, 0)
    assert texts(notes.model(0)) == rows


def test_a_migration_fails_before_anything_is_dropped_if_a_row_can_not_be_carried_over(notes: Notes) -> None:
    key = uuid.uuid4()
    notes.model(0)._base_manager.create(pk=key, text="Ada")
    notes.forwards(0)
    put(notes.model(1), key, "sealed", b"rubbish")
    with pytest.raises(NotMoved, match=rf"1 rows could not be carried over: {key} \(NotSealed\)"):
        notes.forwards(1)
    assert texts(notes.model(1)) == {key: "Ada"}


def test_a_migration_names_a_field_that_is_not_encrypted(notes: Notes) -> None:
    notes.operations[1] = SealField("note", "sealed", "text")
    notes.forwards(0)
    with pytest.raises(TypeError, match=r"Note.text is not encrypted"):
        notes.forwards(1)
