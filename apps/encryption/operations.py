"""A migration operation for a table that may stand still: `SealField("patient", "ssn", "sealed_ssn")`.

    operations = [
        migrations.AddField("patient", "sealed_ssn", Encrypted(CharField(max_length=11, null=True), label=…)),
        SealField("patient", "ssn", "sealed_ssn"),
        migrations.RemoveField("patient", "ssn"),
        migrations.RenameField("patient", "sealed_ssn", "ssn"),
    ]

Backwards it fills the plain field again. It fails, and the migration with it, unless every row is equal in the end.
"""

from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.inventory import Table
from apps.encryption.migrating import fill
from apps.encryption.sweeping import Sweep


class NotMoved(EncryptionError):
    """Rows whose value could not be carried over. The migration stops, and nothing of the old field is lost."""


class SealField(Operation):
    """Fills an encrypted field from a plain one; reversed, the plain one from the encrypted one."""

    reduces_to_sql = False
    reversible = True

    def __init__(self, model_name: str, plain: str, sealed: str) -> None:
        self.model_name, self.plain, self.sealed = model_name, plain, sealed

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The fields stay as they are; only the values move."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._fill(app_label, schema_editor, to_state, reverse=False)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._fill(app_label, schema_editor, from_state, reverse=True)

    def _fill(self, app_label: str, schema_editor: Any, state: Any, *, reverse: bool) -> None:
        model, alias = state.apps.get_model(app_label, self.model_name), schema_editor.connection.alias
        field = model._meta.get_field(self.sealed)
        if not isinstance(field, Encrypted):
            raise TypeError(f"{model._meta.label}.{self.sealed} is not encrypted.")
        if not router.allow_migrate_model(alias, model):
            return
        with Sweep() as sweep:
            fill([Table(alias, model, (field,))], self.plain, sweep, reverse=reverse)
        if sweep.failures or sweep.left or sweep.stopped:
            listed = ", ".join(f"{found.pk} ({found.reason})" for found in sweep.unreadable[:20])
            raise NotMoved(
                f"{self.describe()}: {sweep.failures or sweep.left} rows could not be carried over: "
                f"{listed or 'stopped, or changing'}."
            )

    def describe(self) -> str:
        return f"Carry values between {self.plain} and {self.sealed} of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"seal_{self.model_name.lower()}_{self.plain.lower()}"
