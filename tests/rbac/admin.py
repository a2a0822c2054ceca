"""Where things are in Django's admin."""

from typing import Any

from django.conf import settings
from django.urls import reverse

HOME = f"/{settings.ADMIN_PATH}"


def url(obj: Any, page: str = "change") -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_{page}", args=[obj.pk])
