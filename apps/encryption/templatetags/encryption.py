"""`{% load encryption %}{% masked record "national_id" %}` shows a value as its mask does."""

from django import template
from django.db import models

from apps.encryption.errors import EncryptionError
from apps.encryption.masks import masked as as_masked

register = template.Library()


@register.simple_tag
def masked(instance: models.Model, name: str) -> str:
    """A value that can't be opened is shown as «unreadable», so that one tampered row does not take a list away.

    It has told of itself by signals.open_failed then.
    """
    try:
        return as_masked(instance, name)
    except EncryptionError:
        return "unreadable"
