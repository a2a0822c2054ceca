"""Who somebody is. What they may do is for the backend of rbac to say."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import BaseBackend
from django.db.models import QuerySet

from apps.accounts.models import User


class SignInBackend(AuthenticationBackend):
    """allauth's check of email and password, and nothing else.

    allauth's is a `ModelBackend`: it would say yes to every superuser, and to rows of `user_permissions` and of
    `Group.permissions`, which would be a second, unaudited store of rights. So its answers are replaced by those
    of BaseBackend, which knows none.
    """

    has_perm = BaseBackend.has_perm
    ahas_perm = BaseBackend.ahas_perm
    get_user_permissions = BaseBackend.get_user_permissions
    get_group_permissions = BaseBackend.get_group_permissions
    aget_user_permissions = BaseBackend.aget_user_permissions
    aget_group_permissions = BaseBackend.aget_group_permissions

    def with_perm(self, *args: Any, **kwargs: Any) -> QuerySet[User]:
        return User.objects.none()
