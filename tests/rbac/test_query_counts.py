"""How much the database is asked: once for a check, once for a page, once for a list."""

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.http import Http404
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac import decisions, memo
from apps.rbac.assignments import assign_role, assign_role_as_system
from apps.rbac.decisions import check, check_many
from apps.rbac.direct_writes import by_service
from apps.rbac.models import RoleAssignment
from apps.rbac.sharing import share
from tests.factories import have_keys
from tests.rbac.conftest import queries
from tests.testapp.models import Document, Folder

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"


def test_a_check_is_one_query(owner: User, document: Document) -> None:
    for obj in (document, None):
        with queries() as asked:
            check(owner, VIEW, obj)
        assert len(asked) == 1


def test_a_check_that_nothing_could_answer_yes_asks_nothing(owner: User) -> None:
    with queries() as asked:
        assert not check(owner, "testapp.delete_folder")
    assert len(asked) == 0


def test_a_check_repeated_in_a_request_asks_nothing(owner: User, stranger: User, document: Document) -> None:
    with memo.remembering():
        check(owner, VIEW, document)
        check(stranger, VIEW, document)
        with queries() as asked:
            assert check(owner, VIEW, document)
            assert not check(stranger, VIEW, document)
    assert len(asked) == 0


def test_outside_of_a_request_nothing_is_remembered(owner: User, document: Document) -> None:
    check(owner, VIEW, document)
    with queries() as asked:
        check(owner, VIEW, document)
    assert len(asked) == 1


def test_a_page_of_a_hundred_objects_is_one_query_and_each_of_them_is_then_known(owner: User, folder: Folder) -> None:
    made = Document.objects.bulk_create(Document(title=str(n), folder=folder) for n in range(100))
    assign_role_as_system("testapp.document_owner", owner, made[0], reason="test")
    with memo.remembering(), queries() as asked:
        assert check_many(owner, CHANGE, made) == {made[0].pk}
        assert [check(owner, CHANGE, each) for each in made] == [True, *(99 * [False])]
    assert len(asked) == 1


def test_check_many_takes_objects_of_one_model(owner: User, document: Document, folder: Folder) -> None:
    assert check_many(owner, VIEW, []) == set()
    with pytest.raises(ValueError, match="one model"):
        check_many(owner, VIEW, [document, folder])


def test_a_list_is_one_query_however_it_is_used(owner: User, document: Document) -> None:
    listed = Document.objects.for_user(owner, "view").filter(title__startswith="Plan").order_by("-title")
    with queries() as asked:
        assert list(listed[:25]) == [document]
        assert listed.count() == 1
        assert listed.exclude(folder=None).exists()
    assert len(asked) == 3


@pytest.mark.asvs("8.3.2")
def test_a_list_does_not_ask_again_for_each_row_what_the_request_has_asked(
    owner: User, colleague: User, document: Document, folder: Folder
) -> None:
    other = Document.objects.create(title="Plan B", folder=folder)
    assign_role_as_system("testapp.librarian", colleague, reason="test")
    with memo.remembering():
        for user, holds, seen in ((owner, False, {document}), (colleague, True, {document, other})):
            listed = Document.objects.for_user(user, "view")
            asking = str(listed.query)
            assert check(user, VIEW) is holds
            assert set(listed) == seen
            assert str(listed.query) != asking
            assert ("rbac_roleassignment" in str(listed.query)) is not holds
            assert ("EXISTS" in str(listed.query)) is holds
        assign_role_as_system("testapp.librarian", owner, reason="test")
        assert set(Document.objects.for_user(owner, "view")) == {document, other}
        revoked = RoleAssignment.objects.filter(role="testapp.librarian")
        with by_service():
            revoked.update(revoked_at=timezone.now())
        assert not set(Document.objects.for_user(colleague, "view"))


def test_a_list_takes_a_permission_of_another_model_by_its_full_name(stranger: User, folder: Folder) -> None:
    assign_role_as_system("testapp.folder_editor", stranger, folder, reason="test")
    Folder.objects.create(name="Other")
    assert list(Folder.objects.for_user(stranger, CHANGE)) == [folder]


def test_a_role_is_given_by_two_locks_one_question_and_two_inserts(
    administrator: User, stranger: User, document: Document
) -> None:
    have_keys(administrator, stranger)
    with queries() as asked:
        given = assign_role(administrator, "testapp.document_owner", stranger, document)
    told = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    tables = ("testapp_document", "accounts_user", "rbac_roleassignment", "rbac_roleassignment", "audit_event")
    assert [table in sql for table, sql in zip(tables, told, strict=True)] == 5 * [True]
    assert [sql.split()[0] for sql in told] == ["SELECT", "SELECT", "SELECT", "INSERT", "INSERT"]
    assert ["FOR NO KEY UPDATE" in sql for sql in told[:3]] == [*(2 * [connection.vendor == "postgresql"]), False]
    assert RoleAssignment.objects.get(pk=given.pk) == given


@pytest.mark.asvs("8.3.2")
def test_what_is_granted_in_a_request_holds_in_it_and_what_is_rolled_back_does_not(
    owner: User, colleague: User, document: Document
) -> None:
    with memo.remembering():
        assert not check(colleague, VIEW, document)
        with transaction.atomic():
            share(owner, document, colleague, "view")
            assert check(colleague, VIEW, document)
            transaction.set_rollback(True)
        assert not check(colleague, VIEW, document)


def test_the_async_twins_answer_alike(owner: User, stranger: User, document: Document) -> None:
    assert async_to_sync(decisions.acheck)(owner, VIEW, document)
    assert not async_to_sync(decisions.acheck)(stranger, VIEW, document)
    assert async_to_sync(decisions.acheck_many)(owner, VIEW, [document]) == {document.pk}
    with pytest.raises(Http404):
        async_to_sync(decisions.arequire)(stranger, VIEW, document)
