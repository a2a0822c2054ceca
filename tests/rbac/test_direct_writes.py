"""Rights are written by the services only, and an assignment is never changed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from guardian.shortcuts import assign_perm, remove_perm  # noqa: TID251 - what must not work

from apps.accounts.models import User
from apps.rbac.direct_writes import by_service
from apps.rbac.errors import DirectGrantError
from apps.rbac.models import RoleAssignment
from apps.rbac.queries import stored
from apps.rbac.sharing import share
from tests.testapp.models import Document, DocumentUserShare

ASSIGNMENTS, SHARES = RoleAssignment.objects, DocumentUserShare.objects

WAYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "create an assignment": lambda row: ASSIGNMENTS.create(user=row["user"], role_id="admin"),
    "save an assignment": lambda row: RoleAssignment(user=row["user"], role_id="admin").save(),
    "get or create one": lambda row: ASSIGNMENTS.get_or_create(user=row["user"], role_id="admin"),
    "update or create one": lambda row: ASSIGNMENTS.update_or_create(user=row["user"], role_id="admin"),
    "create many": lambda row: ASSIGNMENTS.bulk_create([RoleAssignment(user=row["user"], role_id="admin")]),
    "update assignments": lambda row: ASSIGNMENTS.update(user=row["user"]),
    "update many": lambda row: ASSIGNMENTS.bulk_update(list(ASSIGNMENTS.all()), ["role"]),
    "delete assignments": lambda row: ASSIGNMENTS.all().delete(),
    "delete an assignment": lambda row: ASSIGNMENTS.first().delete(),  # type: ignore[union-attr] # there is one
    "by the user's own set": lambda row: row["user"].role_assignments.create(role_id="admin"),
    "create a share": lambda row: SHARES.create(**row),
    "create many shares": lambda row: SHARES.bulk_create([DocumentUserShare(**row)]),
    "update shares": lambda row: SHARES.update(user=row["user"]),
    "delete shares": lambda row: SHARES.all().delete(),
    "delete a share": lambda row: SHARES.first().delete(),
    "guardian's assign_perm": lambda row: assign_perm("view_document", row["user"], row["content_object"]),
    "guardian's bulk assign_perm": lambda row: assign_perm("view_document", row["user"], Document.objects.all()),
    "guardian's remove_perm": lambda row: remove_perm("view_document", row["colleague"], row["content_object"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_rights_can_not_be_written_past_the_services(
    way: str, owner: User, colleague: User, stranger: User, document: Document
) -> None:
    share(owner, document, colleague, "view")
    row = {"user": stranger, "content_object": document, "permission": stored("testapp.view_document", Document).get()}
    before = [list(ASSIGNMENTS.order_by("pk").values()), list(SHARES.order_by("pk").values())]
    with pytest.raises(DirectGrantError):
        WAYS[way]({**row, "colleague": colleague} if way.endswith("remove_perm") else row)
    assert [list(ASSIGNMENTS.order_by("pk").values()), list(SHARES.order_by("pk").values())] == before


def test_a_service_may_write_in_every_way(stranger: User, document: Document) -> None:
    row = {"user": stranger, "content_object": document, "permission": stored("testapp.view_document", Document).get()}
    with by_service():
        made = SHARES.bulk_create([DocumentUserShare(**row)])[0]
        made.reason = "changed"
        assert SHARES.bulk_update([made], ["reason"]) == 1
        assert SHARES.filter(reason="changed").update(reason="again") == 1
        made.delete()
    assert not SHARES.exists()


def test_an_assignment_is_not_changed_even_by_a_service(owner: User, document: Document) -> None:
    kept = ASSIGNMENTS.get(user=owner, role="testapp.document_owner")
    kept.role_id = "admin"
    for change in (
        kept.save,
        partial(ASSIGNMENTS.filter(pk=kept.pk).update, role="admin"),
        partial(ASSIGNMENTS.filter(pk=kept.pk).update, revoked_at=None),
        partial(ASSIGNMENTS.bulk_update, [kept], ["role"]),
        partial(ASSIGNMENTS.bulk_create, [kept], update_conflicts=True, update_fields=["role"], unique_fields=["id"]),
    ):
        with pytest.raises(DirectGrantError, match="Revoke it"), by_service():
            change()
    kept.refresh_from_db()
    assert kept.role_id == "testapp.document_owner"
