"""Django's face of the decisions: `user.has_perm`, `{{ perms }}`, `User.objects.with_perm` and their async twins."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import QuerySet

from apps.rbac import decisions


class RBACBackend(BaseBackend):
    """Says what somebody may do and never who somebody is: it authenticates nobody."""

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        return decisions.check(user_obj, perm, obj)

    async def ahas_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        return await decisions.acheck(user_obj, perm, obj)

    def get_all_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        return decisions.permissions_of(user_obj, obj)

    async def aget_all_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        return await decisions.apermissions_of(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions(user_obj))

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return await sync_to_async(self.has_module_perms)(user_obj, app_label)

    def with_perm(
        self,
        perm: str | Permission,
        is_active: bool | None = True,
        include_superusers: bool = True,
        obj: models.Model | None = None,
    ) -> QuerySet[Any]:
        """Users who hold the permission."""
        name = perm if isinstance(perm, str) else f"{perm.content_type.app_label}.{perm.codename}"
        return decisions.who_can(name, obj, is_active=is_active, include_superusers=include_superusers)
