"""An explanation agrees with the check, names what decided, and on a refusal what is missing and who can give it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.rbac.assignments import assign_role, assign_role_as_system
from apps.rbac.constraints import SsdSet
from apps.rbac.decisions import check
from apps.rbac.direct_writes import by_service
from apps.rbac.errors import BeyondTerm, SeparationOfDuty
from apps.rbac.explain import Rule, explain
from apps.rbac.models import DeclaredRole, RoleAssignment
from apps.rbac.queries import FOREVER
from apps.rbac.roles import Registry
from apps.rbac.sharing import share
from apps.rbac.sync import sync
from tests.conftest import MakeUser
from tests.rbac.conftest import queries
from tests.rbac.test_consistency import NUMBER, PERMISSIONS, ROLES, SHARES, USER_KIND, World
from tests.rbac.test_roles import declare
from tests.testapp.models import Document, Folder
from tests.testapp.roles import DocumentOwner, FolderEditor, FolderReader, Librarian

VIEW, CHANGE = "testapp.view_document", "testapp.change_document"


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(
    kinds=st.lists(USER_KIND, min_size=3, max_size=3),
    memberships=st.sets(st.tuples(NUMBER, NUMBER), max_size=4),
    roles=st.lists(ROLES, max_size=8),
    shares=st.lists(SHARES, max_size=6),
)
def test_an_explanation_agrees_with_the_check(
    kinds: list[str], memberships: set[tuple[int, int]], roles: list[Any], shares: list[Any]
) -> None:
    with transaction.atomic():
        world = World(kinds, memberships)
        for role in roles:
            world.assign(*role)
        for each in shares:
            world.share(*each)
        for person in world.people:
            for permission in PERMISSIONS:
                for obj in (None, *world.documents[:2], world.folders[0]):
                    assert explain(person, permission, obj).allowed == check(person, permission, obj)
        transaction.set_rollback(True)


def test_the_path_leads_from_the_person_by_group_and_inheritance_to_the_permission(
    administrator: User, colleague: User, team: Group, document: Document, folder: Folder
) -> None:
    until = timezone.now() + timedelta(days=7)
    assign_role(administrator, FolderEditor, team, folder, expires_at=until)
    decision = explain(colleague, VIEW, document)
    assert decision.rule is Rule.ROLE
    [path] = decision.reasons()[1:]
    steps = path.split(" → ")
    assert steps[:2] == ["colleague@example.org", "group Team"]
    assert steps[2].startswith(f"Edits a folder on testapp.folder:{folder.pk} (given by administrator@example.org on")
    assert f"until {until:%Y-%m-%d %H:%M}" in steps[2]
    assert steps[3:] == ["testapp.folder_reader", VIEW]


def test_a_share_is_named_with_who_gave_it(owner: User, colleague: User, document: Document) -> None:
    share(owner, document, colleague, "view")
    decision = explain(colleague, VIEW, document)
    assert decision.rule is Rule.SHARE
    assert f"Share on testapp.document:{document.pk} (given by owner@example.org on" in decision.reasons()[1]


def test_a_superuser_and_who_holds_nothing_are_told_apart(make_user: MakeUser, document: Document) -> None:
    for user, permission, rule in (
        (make_user(is_superuser=True), VIEW, Rule.SUPERUSER),
        (make_user(is_superuser=True), "testapp.veiw_document", Rule.UNKNOWN),
        (make_user(is_superuser=True, is_active=False), VIEW, Rule.INACTIVE),
        (AnonymousUser(), VIEW, Rule.NOBODY),
        (make_user(), VIEW, Rule.NOTHING),
    ):
        assert explain(user, permission, document).rule is rule


def test_a_role_that_has_ended_or_not_begun_is_the_nearest_miss(
    colleague: User, stranger: User, folder: Folder, document: Document
) -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    assign_role_as_system(FolderReader, colleague, folder, expires_at=now - hour, reason="test")
    assign_role_as_system(FolderReader, stranger, folder, starts_at=now + hour, reason="test")
    for user, word in ((colleague, "expired"), (stranger, "not begun")):
        decision = explain(user, VIEW, document)
        assert decision.rule is Rule.NOT_NOW
        assert word in decision.reasons()[1]


def test_a_role_that_the_code_declares_no_more_is_named_as_retired(colleague: User) -> None:
    DeclaredRole.objects.create(slug="testapp.gone", label="Gone", permissions=[VIEW], retired_at=timezone.now())
    with by_service():
        RoleAssignment.objects.create(user=colleague, role_id="testapp.gone")
    decision = explain(colleague, VIEW)
    assert decision.rule is Rule.NOT_NOW
    assert "testapp.gone on everything" in decision.reasons()[1]
    assert "role retired" in decision.reasons()[1]


def test_the_nearest_ways_come_from_the_object_outwards(stranger: User, owner: User, document: Document) -> None:
    decision = explain(stranger, VIEW, document)
    places = [(way.role, way.place) for way in decision.ways]
    assert places == [
        ("", f"testapp.document:{document.pk}"),
        ("testapp.document_owner", f"testapp.document:{document.pk}"),
        ("testapp.folder_reader", f"testapp.folder:{document.folder_id}"),
    ]
    assert decision.ways[0].givers == {owner: FOREVER}


@pytest.mark.parametrize("binds", [True, False])
def test_whoever_is_named_can_give_it_and_nobody_else_could(
    owner: User, administrator: User, stranger: User, colleague: User, document: Document, binds: bool
) -> None:
    if not binds:  # manages roles, and holds none of what this one grants
        with by_service():
            RoleAssignment.objects.filter(user=administrator, role="admin").delete()
    share(owner, document, colleague, ["view", "share"])
    named = {way.role: set(way.givers) for way in explain(stranger, VIEW, document).ways}
    assert named[""] == {owner, colleague}
    assert named[DocumentOwner.slug] == ({owner, administrator} if binds else {owner})
    for giver in named[DocumentOwner.slug]:
        assign_role(giver, DocumentOwner, stranger, document)
    share(colleague, document, stranger, "view")
    assert check(stranger, VIEW, document)


def test_nobody_is_told_that_he_could_give_it_to_himself(administrator: User, document: Document) -> None:
    for way in explain(administrator, VIEW, document).ways:
        assert administrator not in way.givers


def test_a_share_is_given_by_who_may_share_for_good_and_a_role_until_the_givers_own_end(
    administrator: User, owner: User, stranger: User, colleague: User, document: Document
) -> None:
    """A share has no end, so the guard refuses it to whom has the right for a time."""
    end = timezone.now() + timedelta(days=3)
    assign_role(administrator, DocumentOwner, colleague, document, expires_at=end)
    ways = {way.role: way for way in explain(stranger, VIEW, document).ways}
    assert ways[""].givers == {owner: FOREVER}
    assert ways[DocumentOwner.slug].givers == {owner: FOREVER, colleague: end, administrator: FOREVER}
    assert f"colleague@example.org (until {end:%Y-%m-%d %H:%M} UTC)" in ways[DocumentOwner.slug].words({})
    with pytest.raises(BeyondTerm):
        share(colleague, document, stranger, "view")
    with pytest.raises(BeyondTerm):
        assign_role(colleague, DocumentOwner, stranger, document, expires_at=end + timedelta(days=1))
    assign_role(colleague, DocumentOwner, stranger, document, expires_at=end)


def test_of_a_role_that_a_separation_of_duty_forbids_nobody_is_named(
    registry: Registry, administrator: User, stranger: User
) -> None:
    declare("asker", permissions=frozenset({CHANGE}))
    declare("approver", permissions=frozenset({VIEW}))
    SsdSet("four_eyes", {"asker", "approver"})
    sync()
    for person in (stranger, administrator):
        assert {way.role: way.forbidden for way in explain(person, VIEW).ways}["approver"] == ""
    assign_role(administrator, "asker", stranger)
    way = next(way for way in explain(stranger, VIEW).ways if way.role == "approver")
    assert way.givers == {}
    assert "the separation of duty 'four_eyes' forbids it beside what is held" in way.words({})
    with pytest.raises(SeparationOfDuty):
        assign_role(administrator, "approver", stranger)


def test_an_explanation_asks_at_most_three_questions_and_of_each_way_who_can_give_it_and_for_how_long(
    owner: User, stranger: User, document: Document
) -> None:
    for user, most in ((owner, 3), (stranger, 14)):  # the owner can give all three: by three questions each, or one
        with queries() as asked:
            explain(user, CHANGE, document).reasons()
        assert len(asked) <= most


def test_json_holds_the_same_reasons(owner: User, document: Document) -> None:
    decision = explain(owner, CHANGE, document)
    assert decision.as_json() == {
        "user": "owner@example.org",
        "permission": CHANGE,
        "object": f"testapp.document:{document.pk}",
        "allowed": True,
        "rule": "role",
        "reasons": decision.reasons(),
    }


def test_a_role_for_everything_is_the_way_where_no_object_is_meant(administrator: User, stranger: User) -> None:
    [way] = explain(stranger, VIEW).ways
    assert (way.role, way.place, way.givers) == (Librarian.slug, "", {administrator: FOREVER})
    assert way.words({}) == "The role Librarian on everything would allow it; administrator@example.org can give it."
