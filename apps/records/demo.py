"""A few records about people who do not exist, for `manage.py demo`."""

from collections.abc import Mapping

from apps.accounts.models import User
from apps.audit.api import acting_as
from apps.records import access, changes
from apps.records.forms import RecordForm
from apps.records.models import Record

PEOPLE = (
    ("Intake 2026-014", "Amara Okafor", "850324-4821", "Prefers to be called in the afternoon."),
    ("Tribunal bundle", "Bela Novak", "710912-0033", "Hearing in May. The witness needs an interpreter."),
    ("Foster placement review", "Chen Whitfield", "990101-7765", ""),
)


def load(users: Mapping[str, User]) -> None:
    """Make Ana's records, and share the first with Ben. Once: a second run changes nothing."""
    ana, ben = users["ana"], users["ben"]
    if not Record.objects.filter(created_by=ana).exists():
        with acting_as(ana, reason="demo"):
            forms = [RecordForm(dict(zip(RecordForm.Meta.fields, person, strict=True))) for person in PEOPLE]
            first, *_ = [changes.create(form, by=ana) for form in forms]
            access.share(first, by=ana, to=ben, access=access.CAN_EDIT)
