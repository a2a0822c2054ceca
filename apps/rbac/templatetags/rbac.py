"""What a template shows by permission. A courtesy to the reader: the view behind each button decides again.

{% load rbac %}
{% can "documents.change_document" document as editable %}
{% canall "documents.change_document" page as editable %}   primary keys; later `can`s on the page ask nothing
"""

from collections.abc import Iterable
from typing import Any

from django import template
from django.db import models

from apps.rbac import decisions

register = template.Library()


@register.simple_tag(takes_context=True)
def can(context: template.Context, permission: str, obj: models.Model | None = None) -> bool:
    """Whether the user of the request holds the permission. Raises KeyError in a context without a request."""
    return decisions.check(context["request"].user, permission, obj)


@register.simple_tag(takes_context=True)
def canall(context: template.Context, permission: str, objects: Iterable[models.Model]) -> set[Any]:
    """Primary keys of the objects on which the user of the request holds the permission. One query."""
    return decisions.check_many(context["request"].user, permission, objects)
