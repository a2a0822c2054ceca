"""Roles as the code declares them: what they grant, what they inherit, and what is wrong with them at start."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from apps.rbac import roles
from apps.rbac.errors import UnknownRole
from apps.rbac.roles import Registry, Role, extend


def declare(slug: str, **declared: Any) -> type[Role]:
    return type("Declared", (Role,), {"slug": slug, "label": slug.title(), **declared})


def test_the_seeds_are_there_and_the_administrator_holds_what_runs_the_site() -> None:
    assert {"admin", "guest", "user"} <= roles.registry.roles.keys()
    assert {"rbac.manage", "rbac.bind_role", "rbac.view_roleassignment"} <= roles.registry.permissions("admin")
    assert roles.registry.inherited("admin") == ["admin", "user", "guest"]


def test_a_role_grants_its_own_permissions_those_of_its_juniors_and_what_apps_add(registry: Registry) -> None:
    declare("junior", permissions=frozenset({"testapp.view_folder"}))
    declare("senior", permissions=frozenset({"testapp.add_folder"}), inherits=("junior",))
    extend("junior", {"testapp.change_folder"})
    expected = {"testapp.view_folder", "testapp.add_folder", "testapp.change_folder"}
    assert registry.permissions("senior") == expected
    assert registry.permissions("junior") == expected - {"testapp.add_folder"}
    assert registry.granting("testapp.change_folder", "") == ("junior", "senior")


def test_what_is_added_later_counts_at_once(registry: Registry) -> None:
    declare("late")
    assert registry.granting("testapp.delete_folder", "") == ()
    extend(registry.get("late"), {"testapp.delete_folder"})
    assert registry.granting("testapp.delete_folder", "") == ("late",)


def test_a_role_counts_at_its_own_scope_only(registry: Registry) -> None:
    declare("scoped", scope="testapp.Folder", permissions=frozenset({"testapp.delete_folder"}))
    assert registry.granting("testapp.delete_folder", "testapp.folder") == ("scoped",)
    assert registry.granting("testapp.delete_folder", "") == ()


def test_a_slug_can_not_be_taken_twice(registry: Registry) -> None:
    with pytest.raises(ImproperlyConfigured, match="Two roles are called 'admin'"):
        declare("admin")
    assert registry.get("admin") is roles.Admin


def test_an_unknown_role_is_named_and_the_known_ones_are_listed() -> None:
    with pytest.raises(UnknownRole, match=r"'editr'.*admin"):
        roles.registry.get("editr")


@given(st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from("abcdef"), max_size=3), max_size=5))
def test_inheritance_is_the_reachable_set_even_in_a_cycle(juniors: dict[str, set[str]]) -> None:
    registry = Registry()
    for slug, inherits in juniors.items():
        registry.roles[slug] = type(
            "Plain", (), {"scope": "", "inherits": tuple(inherits), "permissions": frozenset({f"app.{slug}"})}
        )
    for slug in juniors:
        reached = {slug}
        while more := {each for one in reached for each in juniors.get(one, set()) if each in juniors} - reached:
            reached |= more
        assert set(registry.inherited(slug)) == reached
        assert registry.permissions(slug) == {f"app.{each}" for each in reached}
