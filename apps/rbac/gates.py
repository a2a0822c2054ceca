"""How a view gets at an object: fetched and checked in one step, so that neither can be forgotten (ASVS 8.2.2)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from apps.rbac.decisions import refuse, require
from apps.rbac.policies import passed_gates


def access_or_404[Row: models.Model](
    request: HttpRequest, source: type[Row] | QuerySet[Row], pk: Any, permission: str
) -> Row:
    """The object with this primary key, on which the caller holds the permission.

    Raises Http404 if there is none, if `pk` is malformed, or if the caller may not even view it: he can't tell which.
    Raises PermissionDenied if he may view it and no more. Each refusal is told as `access_refused`, that of an object
    which is not there too: else his own page of activity would tell him which ids exist.
    """
    obj = found(source if isinstance(source, QuerySet) else source._default_manager.all(), pk)
    if obj is None:
        refuse(permission, None, "There is no such object.")
        raise Http404("There is nothing here.")
    require(request.user, permission, obj)
    passed_gates(request).update({(permission, str(pk)), (permission, str(obj.pk))})
    return obj


def found[Row: models.Model](queryset: QuerySet[Row], pk: Any) -> Row | None:
    try:
        return queryset.filter(pk=queryset.model._meta.pk.to_python(pk)).first()
    except (ValidationError, ValueError, TypeError, OverflowError):  # what fields raise for values they can't hold
        return None
