"""The vocabulary: what is not declared can't be recorded, and nothing is declared twice."""

import subprocess
import sys

import pytest

from apps.audit import actions
from apps.audit.actions import Action, Category, Outcome, Severity
from apps.audit.errors import ActionError, UnknownAction


def test_an_unknown_action_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownAction, match=r"Did you mean testapp\.thing\.changed"):
        actions.find("testapp.thing.chagned")


def test_an_unknown_action_like_no_other_says_where_to_register_it() -> None:
    with pytest.raises(UnknownAction, match="audit_actions"):
        actions.find("zzz")


def test_a_name_can_not_be_registered_twice() -> None:
    with pytest.raises(ActionError, match="registered twice"):
        actions.register(Action("testapp.thing.changed", "again", Category.DATA))


@pytest.mark.parametrize(
    "name", ["", "thing", "thing.changed", "A.b.c", "a.b.c.d", "a.b.c\n", "a..c", "a.b." + "c" * 100]
)
def test_a_name_has_three_lower_case_words(name: str) -> None:
    with pytest.raises(ActionError, match=r"app\.noun\.verb-ed"):
        Action(name, "did it", Category.DATA)


@pytest.mark.parametrize(
    "slot", ["{actor.password}", "{0}", "{}", "{settings}", "{details}", "{details.to.of}", "{event}"]
)
def test_a_wording_has_known_slots_only(slot: str) -> None:
    with pytest.raises(ActionError, match=r"details\.KEY"):
        Action("testapp.thing.made", f"made {slot}", Category.DATA)


def test_a_wording_that_can_not_be_read_is_refused() -> None:
    with pytest.raises(ActionError, match="can't be read"):
        Action("testapp.thing.made", "made {", Category.DATA)


def test_an_unknown_word_of_a_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Category"):
        Action("testapp.thing.made", "made it", "nonsense")  # type: ignore[arg-type]


@pytest.mark.parametrize("vocabulary", [Category, Outcome, Severity])
def test_vocabularies_are_alphabetical(vocabulary: type[Category | Outcome | Severity]) -> None:
    assert list(vocabulary) == sorted(vocabulary)


def test_the_inventory_lists_every_action_of_every_app_with_how_long_it_is_kept() -> None:
    inventory = actions.registered()
    assert list(inventory) == sorted(inventory)
    assert {"audit.log.viewed", "testapp.thing.changed"} <= set(inventory)
    assert all(action.retention.days >= 365 for action in inventory.values())


def test_the_vocabulary_can_be_imported_before_django_is_set_up() -> None:
    code = "from apps.audit.actions import Survives; import sys; assert 'django' not in sys.modules; Survives('a.b.c')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
