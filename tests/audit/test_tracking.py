"""What a model declares is found at start, and what would be missed in silence is an error of the checks."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from apps.audit import actions, checks, tracking
from apps.audit.actions import Severity
from apps.audit.querysets import AuditedQuerySet, watch_base_managers
from tests.testapp.models import Author, Book, Memo, Printed


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Models that a test makes up go when it ends."""
    registered, tracked = {**actions._registry}, {**tracking._tracked}
    kept = {**apps.all_models["testapp"]}
    yield
    actions._registry.clear()
    actions._registry.update(registered)
    tracking._tracked.clear()
    tracking._tracked.update(tracked)
    apps.all_models["testapp"].clear()
    apps.all_models["testapp"].update(kept)
    apps.clear_cache()


def made(audit: type, **attributes: Any) -> type[models.Model]:
    members = {"__module__": __name__, "__str__": lambda self: "", "Audit": audit}
    members["Meta"] = type("Meta", (), {"app_label": "testapp", **attributes.pop("meta", {})})
    model = type("Madeup", (models.Model,), {**members, **attributes})
    tracking.discover()
    return model


def found_by_checks() -> list[str]:
    of_tracked = (
        checks.tracked_fields_exist,
        checks.tracked_managers_are_audited,
        checks.tracked_rows_are_deleted_by_django,
    )
    return [f"{message.id} {message.msg}" for check in of_tracked for message in check()]


def names(model: type[models.Model]) -> set[str]:
    found = tracking.tracked(model)
    assert found is not None
    return {each.name for each in (*found.columns, *found.relations)}


def test_everything_is_tracked_but_the_key_what_is_excluded_and_times_that_set_themselves() -> None:
    assert names(Book) == {"title", "pages", "price", "extra", "cover", "author", "editor", "labels", "isbn"}


def test_a_child_tracks_its_parents_fields_too() -> None:
    assert names(Printed) == names(Book) | {"run"}


def test_encrypted_fields_and_those_named_like_a_password_are_sensitive_without_being_named() -> None:
    assert [found.secret for model in (Memo, Author) if (found := tracking.tracked(model))] == [
        {"text", "facts"},
        {"password"},
    ]


def test_the_actions_of_a_model_come_by_themselves() -> None:
    assert actions.find("testapp.author.changed").wording == "{actor} changed {target}"
    assert actions.find("testapp.author.deleted").severity is Severity.NOTICE
    assert actions.find("testapp.author.viewed")
    assert "testapp.book.viewed" not in actions.registered()


def test_an_app_that_registers_an_action_itself_has_the_last_word() -> None:
    assert actions.find("testapp.picture.deleted").wording == "{actor} tore up {target}"


def test_the_models_of_the_tests_pass_the_checks() -> None:
    assert found_by_checks() == []


def test_a_field_that_does_not_exist_is_an_error() -> None:
    made(
        type("Audit", (), {"track": ("titel",), "sensitive": ("pin",)}),
        title=models.CharField(max_length=9),
        objects=AuditedQuerySet.as_manager(),
        meta={"base_manager_name": "objects"},
    )
    assert found_by_checks() == ["audit.E010 testapp.Madeup.Audit names pin, titel, which it has no field for."]


def test_a_manager_without_the_audited_queryset_is_an_error() -> None:
    made(type("Audit", (), {}))
    assert found_by_checks() == [
        "audit.E011 testapp.Madeup is tracked, and its manager objects would change rows unseen.",
        "audit.E011 testapp.Madeup is tracked, and its manager _base_manager would change rows unseen.",
    ]


def test_a_second_manager_without_it_is_an_error_too() -> None:
    made(
        type("Audit", (), {}),
        objects=AuditedQuerySet.as_manager(),
        meta={"base_manager_name": "objects"},
        all=models.Manager(),
    )
    assert found_by_checks() == ["audit.E011 testapp.Madeup is tracked, and its manager all would change rows unseen."]


def test_a_default_manager_that_hides_rows_does_not_become_the_base_manager() -> None:
    class Present(models.Manager.from_queryset(AuditedQuerySet)):  # type: ignore[misc]
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(pk__gt=0)

    model = made(type("Audit", (), {}), objects=Present())
    watch_base_managers()
    assert model._base_manager.name == "_base_manager"
    assert len(found_by_checks()) == 1


def test_rows_that_the_database_deletes_by_itself_are_an_error() -> None:
    made(
        type("Audit", (), {}),
        objects=AuditedQuerySet.as_manager(),
        meta={"base_manager_name": "objects"},
        author=models.ForeignKey(Author, models.DB_CASCADE, related_name="+"),
    )
    assert found_by_checks() == [
        "audit.E012 testapp.Madeup.author lets the database change or delete tracked rows, unseen."
    ]
