"""How a record begins. That it was made, changed or deleted is told by its model's `Audit`, in the same transaction."""

from apps.accounts.models import User
from apps.rbac.assignments import assign_creator
from apps.records.forms import RecordForm
from apps.records.models import Record
from apps.records.roles import RecordOwner


def create(form: RecordForm, *, by: User) -> Record:
    form.instance.created_by = by
    record: Record = form.save()
    assign_creator(RecordOwner, by, record)
    return record
