"""The same question asked in every way has one answer, whatever rights there are. Guardian's own answers differ."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.rbac import queries
from apps.rbac.assignments import assign_role_as_system
from apps.rbac.backends import RBACBackend
from apps.rbac.decisions import (
    acheck,
    acheck_many,
    apermissions_of,
    check,
    check_many,
    permissions_of,
    scoped,
    who_can,
)
from apps.rbac.direct_writes import by_service
from apps.rbac.models import RoleAssignment
from tests.testapp.models import Document, DocumentGroupShare, DocumentUserShare, Folder

PERMISSIONS = [f"testapp.{action}_document" for action in ("add", "change", "delete", "share", "view")]
SCOPES = {
    "testapp.librarian": None,
    "testapp.folder_reader": Folder,
    "testapp.folder_editor": Folder,
    "testapp.document_owner": Document,
}
NUMBER = st.integers(0, 2)
TERM = st.sampled_from(["now", "past", "future", "revoked"])
ROLES = st.tuples(
    st.sampled_from(sorted(SCOPES)),
    st.booleans(),
    NUMBER,
    NUMBER,
    st.sampled_from(["now", "past", "future", "revoked"]),
)
SHARES = st.tuples(st.sampled_from(["change", "view"]), st.booleans(), NUMBER, NUMBER)
USER_KIND = st.sampled_from(["plain", "plain", "plain", "inactive", "super"])


class World:
    """Three people, three groups, three folders with a document each; person n is in group n."""

    def __init__(self, kinds: list[str], memberships: set[tuple[int, int]]) -> None:
        self.people = [
            User.objects.create(
                email=f"person{n}@example.org", is_active=kind != "inactive", is_superuser=kind == "super"
            )
            for n, kind in enumerate(kinds)
        ]
        self.groups = [Group.objects.create(name=f"group {n}") for n in range(3)]
        self.folders = [Folder.objects.create(name=str(n)) for n in range(3)]
        self.documents = [Document.objects.create(title=str(n), folder=folder) for n, folder in enumerate(self.folders)]
        self.documents.append(Document.objects.create(title="loose", folder=None))
        for person, group in memberships:
            self.people[person].groups.add(self.groups[group])

    def assign(self, slug: str, to_group: bool, who: int, where: int, term: str) -> None:
        to: Any = self.groups[who] if to_group else self.people[who]
        scope: Any = {None: None, Folder: self.folders[where], Document: self.documents[where]}[SCOPES[slug]]
        now, hour = timezone.now(), timedelta(hours=1)
        terms = {"past": (now - 2 * hour, now - hour), "future": (now + hour, None)}
        starts_at, expires_at = terms.get(term, (None, None))
        given = assign_role_as_system(slug, to, scope, starts_at=starts_at, expires_at=expires_at, reason="world")
        if term == "revoked":
            with by_service():
                RoleAssignment.objects.filter(pk=given.pk).update(revoked_at=now)

    def share(self, action: str, to_group: bool, who: int, where: int) -> None:
        model: Any = DocumentGroupShare if to_group else DocumentUserShare
        to = {"group": self.groups[who]} if to_group else {"user": self.people[who]}
        permission = queries.stored(f"testapp.{action}_document", Document).get()
        with by_service():
            model.objects.get_or_create(**to, content_object=self.documents[where], permission=permission)


async def the_async_twins_agree(world: World) -> None:
    for person, permission in product(world.people, PERMISSIONS[:2]):
        by_check = {each.pk for each in world.documents if await acheck(person, permission, each)}
        assert by_check == await acheck_many(person, permission, world.documents)
        assert by_check == {each.pk async for each in scoped(Document.objects.all(), person, permission)}
        assert by_check == {each.pk for each in world.documents if permission in await apermissions_of(person, each)}
        for each in world.documents:
            assert (person in [one async for one in who_can(permission, each)]) == (each.pk in by_check)
            assert await RBACBackend().ahas_perm(person, permission, each) == (each.pk in by_check)


@pytest.mark.asvs("8.2.2")
@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    kinds=st.lists(USER_KIND, min_size=3, max_size=3),
    memberships=st.sets(st.tuples(NUMBER, NUMBER), max_size=4),
    roles=st.lists(ROLES, max_size=8),
    shares=st.lists(SHARES, max_size=6),
)
def test_check_and_list_and_bulk_check_and_holders_agree(
    kinds: list[str], memberships: set[tuple[int, int]], roles: list[Any], shares: list[Any]
) -> None:
    with transaction.atomic():
        world = World(kinds, memberships)
        for role in roles:
            world.assign(*role)
        for each in shares:
            world.share(*each)
        for person in [*world.people, AnonymousUser()]:
            everywhere = permissions_of(person)
            on = {each.pk: permissions_of(person, each) for each in world.documents}
            for permission in PERMISSIONS:
                by_check = {each.pk for each in world.documents if check(person, permission, each)}
                assert set(scoped(Document.objects.all(), person, permission).values_list("pk", flat=True)) == by_check
                assert scoped(Document.objects.all(), person, permission).count() == len(by_check)
                assert check_many(person, permission, world.documents) == by_check
                assert {pk for pk, held in on.items() if permission in held} == by_check
                assert check(person, permission) == (permission in everywhere)
                folders = {each.pk for each in world.folders if check(person, permission, each)}
                assert set(scoped(Folder.objects.all(), person, permission).values_list("pk", flat=True)) == folders
                assert check_many(person, permission, world.folders) == folders
        for place, permission in product([*world.documents, *world.folders, None], PERMISSIONS):
            may = {person for person in world.people if check(person, permission, place)}
            assert set(who_can(permission, place)) == may
            assert set(RBACBackend().with_perm(permission, obj=place)) == may
        async_to_sync(the_async_twins_agree)(world)
        transaction.set_rollback(True)
