"""What changes a record. Each change and its event commit together, or neither does."""

from apps.accounts.models import User
from apps.audit import api as audit
from apps.rbac.assignments import assign_creator
from apps.records.forms import RecordForm
from apps.records.models import Record
from apps.records.roles import RecordOwner


def create(form: RecordForm, *, by: User) -> Record:
    form.instance.created_by = by
    record: Record = form.save()
    assign_creator(RecordOwner, by, record)
    audit.record("records.record.created", target=record)
    return record


def save(form: RecordForm) -> None:
    if form.has_changed():
        changes: dict[str, object] = dict.fromkeys(form.changed_data, audit.CHANGED)  # that, never what: it is sealed
        if "title" in changes:
            changes["title"] = [form.initial["title"], form.cleaned_data["title"]]
        audit.record("records.record.changed", target=form.save(), changes=changes)


def delete(record: Record) -> None:
    audit.record("records.record.deleted", target=record)
    record.delete()
