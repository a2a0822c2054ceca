"""Who may see a record, and how its owner gives and takes that."""

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from django.http import Http404

from apps.accounts.models import User
from apps.rbac import sharing
from apps.rbac.decisions import check_many
from apps.rbac.guard import Principal
from apps.records.models import Record

CHANGE: Final = "records.change_record"
CAN_VIEW: Final = "Can view"
CAN_EDIT: Final = "Can edit"
EDIT_OR_VIEW: Final = {True: CAN_EDIT, False: CAN_VIEW}
GIVES: Final = {CAN_VIEW: {"records.view_record"}, CAN_EDIT: {"records.view_record", CHANGE}}


class Row(NamedTuple):
    record: Record
    access: str


class Share(NamedTuple):
    to: Principal
    access: str


def rows(user: User, records: Iterable[Record]) -> list[Row]:
    """The records with what `user` may do. One query for all of them."""
    shown = list(records)
    editable = check_many(user, CHANGE, shown)
    return [Row(one, "Owner" if one.created_by == user else EDIT_OR_VIEW[one.pk in editable]) for one in shown]


def shares(record: Record) -> list[Share]:
    """With whom the record is shared, by name."""
    return [Share(each.to, EDIT_OR_VIEW[CHANGE in each.permissions]) for each in sharing.shares_of(record)]


def share(record: Record, *, by: User, to: User, access: str) -> None:
    """Give `to` exactly this access: what a former share gave beyond it is taken."""
    sharing.share(by, record, to, GIVES[access])
    sharing.unshare(by, record, to, GIVES[CAN_EDIT] - GIVES[access])


def stop_sharing(record: Record, *, by: User, user_pk: UUID) -> User:
    """Take all access from the user with this key, and return them. Raises Http404 when nothing is shared with them."""
    for to, _ in shares(record):
        if isinstance(to, User) and to.pk == user_pk:
            sharing.unshare(by, record, to)
            return to
    raise Http404("This record is not shared with this person.")
