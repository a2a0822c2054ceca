"""A permission that nobody can hold, and a key that was meant to be wrapped, are told before the site serves."""

# ruff: noqa: DJ008 - the models here live for one test

import json

import pytest
from django.db import models
from django.test.utils import isolate_apps
from pytest_django import Settings

from apps.encryption import inventory, usage_checks
from apps.encryption.fields import Encrypted
from tests.encryption.key_services import FAKE

WRAPPED = json.dumps({"source": "fake", "wrapped": "x"})


def test_the_models_of_the_project_are_right() -> None:
    assert usage_checks.check_reveals() == []


def test_a_misspelled_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolate_apps("tests.testapp") as registry:

        class Note(models.Model):
            text = Encrypted(models.TextField(), reveal="testapp.reveal_tetx")
            line = Encrypted(models.TextField(), reveal="testapp.reveal_text")

            class Meta:
                app_label = "testapp"
                permissions = (("reveal_text", "Can see the text"),)

        monkeypatch.setattr(usage_checks, "apps", registry)
        monkeypatch.setattr(inventory, "apps", registry)
        [message] = usage_checks.check_reveals()
    assert (message.id, message.obj) == ("encryption.E010", Note._meta.get_field("text"))
    assert "testapp.reveal_tetx" in message.msg


@pytest.mark.asvs("13.3.1")
def test_with_a_key_source_a_plain_ring_is_told(settings: Settings) -> None:
    settings.KEY_SOURCE = {"BACKEND": FAKE}
    settings.FIELD_ENCRYPTION_KEYS = WRAPPED
    [message] = usage_checks.check_wrapped()
    assert (message.id, "FIELD_INDEX_KEYS" in message.msg) == ("encryption.W010", True)

    settings.FIELD_INDEX_KEYS = WRAPPED
    assert usage_checks.check_wrapped() == []


def test_without_one_a_plain_ring_is_right(settings: Settings) -> None:
    settings.KEY_SOURCE = None
    assert usage_checks.check_wrapped() == []
