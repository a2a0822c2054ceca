"""Shares: who may give what to whom, and what others then see of it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.decisions import check
from apps.rbac.errors import BeyondOwn, GrantRefused, InactiveRecipient, MayNotGrant, NotGrantable, SelfGrant
from apps.rbac.sharing import share, shares_of, unshare
from tests.rbac.conftest import Told, queries
from tests.testapp.models import Document, DocumentUserShare, Folder

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"
SHARE, DELETE = "testapp.share_document", "testapp.delete_document"


def test_an_owner_shares_with_a_colleague_who_then_holds_just_that(
    owner: User, colleague: User, stranger: User, document: Document, told: list[Told]
) -> None:
    assert share(owner, document, colleague, ["view", "change"], reason="vacation") == [CHANGE, VIEW]
    assert check(colleague, VIEW, document)
    assert check(colleague, CHANGE, document)
    assert not check(colleague, DELETE, document)
    assert not check(stranger, VIEW, document)
    assert list(Document.objects.for_user(colleague, "view")) == [document]
    assert [(each.name, each.target, each.outcome, each.reason, each.details) for each in told] == [
        (
            "share_granted",
            document,
            "success",
            "vacation",
            {"to": colleague, "permissions": [CHANGE, VIEW]},
        )
    ]


def test_a_share_keeps_who_gave_it_when_and_why(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, VIEW, reason="vacation")
    kept = DocumentUserShare.objects.get()
    assert (kept.granted_by, kept.reason) == (owner, "vacation")
    assert timezone.now() - kept.granted_at < timedelta(minutes=1)


def test_sharing_twice_changes_nothing_and_tells_nothing(
    owner: User, colleague: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, "view")
    told.clear()
    assert share(owner, document, colleague, "view") == []
    assert share(owner, document, colleague, ["view", "change"]) == [CHANGE]
    assert [each.details["permissions"] for each in told] == [[CHANGE]]
    assert DocumentUserShare.objects.count() == 2


def test_a_group_can_be_shared_with(
    owner: User, colleague: User, stranger: User, team: Group, document: Document
) -> None:
    share(owner, document, team, "view")
    assert check(colleague, VIEW, document)
    assert not check(stranger, VIEW, document)
    assert share(owner, document, colleague, "view") == [VIEW]
    assert unshare(owner, document, team) == [VIEW]
    assert check(colleague, VIEW, document)


@pytest.mark.asvs("8.3.2")
def test_unsharing_ends_the_access_and_is_told(
    owner: User, colleague: User, document: Document, told: list[Told]
) -> None:
    share(owner, document, colleague, ["view", "change"])
    told.clear()
    assert unshare(owner, document, colleague, "change", reason="back") == [CHANGE]
    assert check(colleague, VIEW, document)
    assert unshare(owner, document, colleague) == [VIEW]
    assert unshare(owner, document, colleague) == []
    assert not check(colleague, VIEW, document)
    assert [(each.name, each.target, each.reason, each.details["permissions"]) for each in told] == [
        ("share_revoked", document, "back", [CHANGE]),
        ("share_revoked", document, "", [VIEW]),
    ]


def test_unsharing_one_object_leaves_the_others(owner: User, colleague: User, document: Document) -> None:
    other = Document.objects.create(title="other")
    assign_role_as_system("testapp.document_owner", owner, other, reason="test")
    for each in (document, other):
        share(owner, each, colleague, "view")
    unshare(owner, document, colleague)
    assert list(Document.objects.for_user(colleague, "view")) == [other]


def test_who_was_given_the_permission_to_share_gives_what_he_holds(
    owner: User, colleague: User, stranger: User, document: Document
) -> None:
    share(owner, document, colleague, ["view", "share"])
    assert share(colleague, document, stranger, "view") == [VIEW]
    with pytest.raises(BeyondOwn, match="change_document"):
        share(colleague, document, stranger, ["view", "change"])
    assert not check(stranger, CHANGE, document)


def test_nobody_takes_what_he_does_not_hold(owner: User, colleague: User, stranger: User, document: Document) -> None:
    share(owner, document, colleague, ["view", "share"])
    share(owner, document, stranger, ["view", "change"])
    with pytest.raises(BeyondOwn):
        unshare(colleague, document, stranger)
    assert unshare(colleague, document, stranger, "view") == [VIEW]
    assert check(stranger, CHANGE, document)


def test_an_inactive_account_gets_nothing_and_can_be_taken_from(
    owner: User, colleague: User, document: Document
) -> None:
    share(owner, document, colleague, "view")
    colleague.is_active = False
    colleague.save()
    with pytest.raises(InactiveRecipient, match="not active"):
        share(owner, document, colleague, "change")
    assert unshare(owner, document, colleague) == [VIEW]


def test_a_sharer_who_became_inactive_shares_nothing(owner: User, colleague: User, document: Document) -> None:
    owner.is_active = False
    owner.save()
    with pytest.raises(MayNotGrant):
        share(owner, document, colleague, "view")


def test_what_belongs_to_no_object_of_this_kind_can_not_be_shared(
    owner: User, colleague: User, document: Document, folder: Folder
) -> None:
    with pytest.raises(NotGrantable, match="has no permission"):
        share(owner, document, colleague, "testapp.change_folder")
    with pytest.raises(NotGrantable, match="has no permission"):
        share(owner, document, colleague, "rbac.manage")
    with pytest.raises(NotGrantable, match="can't be shared"):
        share(owner, folder, colleague, "view")


def test_a_deleted_object_can_not_be_shared(owner: User, colleague: User, document: Document) -> None:
    stale = Document.objects.get(pk=document.pk)
    document.delete()
    with pytest.raises(NotGrantable, match="gone"):
        share(owner, stale, colleague, "view")


def test_a_refused_share_leaves_nothing_behind(owner: User, colleague: User, document: Document) -> None:
    for who, to, permissions in ((colleague, owner, "view"), (owner, owner, "view"), (owner, colleague, "nothing")):
        with pytest.raises(GrantRefused):
            share(who, document, to, permissions)
    assert shares_of(document) == []


def test_a_model_can_name_another_permission_for_sharing(
    owner: User, colleague: User, stranger: User, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(owner, document, colleague, ["view", "change"])
    with pytest.raises(MayNotGrant):
        share(colleague, document, stranger, "view")
    monkeypatch.setattr(Document, "rbac_share_permission", CHANGE, raising=False)
    assert share(colleague, document, stranger, "view") == [VIEW]


def test_the_shares_of_an_object_are_listed_by_name_in_two_queries(
    owner: User, colleague: User, stranger: User, team: Group, document: Document
) -> None:
    share(owner, document, stranger, "view")
    share(owner, document, team, "view")
    share(owner, document, colleague, ["view", "change"], reason="vacation")
    with queries() as asked:
        listed = [(each.to, each.permissions, each.granted_by, each.reason) for each in shares_of(document)]
    assert len(asked) == 2
    assert listed == [
        (colleague, frozenset({VIEW, CHANGE}), owner, "vacation"),
        (stranger, frozenset({VIEW}), owner, ""),
        (team, frozenset({VIEW}), owner, ""),
    ]


def test_a_superuser_shares_like_an_owner_but_not_with_himself(
    colleague: User, document: Document, stranger: User
) -> None:
    stranger.is_superuser = True
    stranger.save()
    assert share(stranger, document, colleague, "view") == [VIEW]
    with pytest.raises(SelfGrant):
        share(stranger, document, stranger, "view")
    assert check(colleague, VIEW, document)
    assert not check(colleague, SHARE, document)
