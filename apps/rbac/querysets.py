"""The part of a model's manager that lists what a user may see."""

from typing import Self

from django.db import models

from apps.rbac import protection
from apps.rbac.decisions import AnyUser, scoped


class ScopedQuerySet[Row: models.Model](models.QuerySet[Row]):
    def for_user(self, user: AnyUser, permission: str) -> Self:
        """The rows on which `user` holds `permission`: "view" for this model's own, or a full name with its app."""
        return scoped(self, user, protection.permission_of(self.model, permission))  # type: ignore[return-value] # filter() keeps the queryset's class
