"""A permission that nobody can hold is told before the site serves."""

# ruff: noqa: DJ008 - the models here live for one test

import pytest
from django.db import models
from django.test.utils import isolate_apps

from apps.encryption import checks, inventory
from apps.encryption.fields import Encrypted


def test_the_models_of_the_project_are_right() -> None:
    assert checks.check_reveals() == []


def test_a_misspelled_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolate_apps("tests.testapp") as registry:

        class Note(models.Model):
            text = Encrypted(models.TextField(), reveal="testapp.reveal_tetx")
            line = Encrypted(models.TextField(), reveal="testapp.reveal_text")

            class Meta:
                app_label = "testapp"
                permissions = (("reveal_text", "Can see the text"),)

        monkeypatch.setattr(checks, "apps", registry)
        monkeypatch.setattr(inventory, "apps", registry)
        [message] = checks.check_reveals()
    assert (message.id, message.obj) == ("encryption.E010", Note._meta.get_field("text"))
    assert "testapp.reveal_tetx" in message.msg
