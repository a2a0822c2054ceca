"""The user: known by email address, keyed by UUIDv7 (RFC 9562)."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import uuid_utils.compat
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save and return a new user. Without a password nobody can sign in with one until it is reset by mail.

        Raises ValidationError when the address is empty, malformed or taken in any spelling of its case.
        """
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Lower case in both parts: people type either, and an account per spelling would invite impersonation."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))


class User(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid_utils.compat.uuid7, editable=False)
    email = models.EmailField("email address", unique=True)
    password = models.CharField(max_length=512, editable=False)  # Django's 128 is too short for a sealed hash
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Audit:
        track = ()  # each event of an account has its own action
        subject = True

    class Meta:
        # `unique` above compares as written; this holds also for an update() which goes round save().
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_any_case")]
        ordering: ClassVar = ["email"]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = type(self).objects.normalize_email(self.email)
        super().save(*args, **kwargs)

    # PermissionsMixin says yes to a superuser before any backend is asked, even for a misspelled permission.
    # AnonymousUser always asks, and so do we: the backend that answers for permissions decides about superusers too.
    has_perm: Callable[..., bool] = AnonymousUser.has_perm
    ahas_perm: Callable[..., Coroutine[Any, Any, bool]] = AnonymousUser.ahas_perm
    has_module_perms: Callable[..., bool] = AnonymousUser.has_module_perms
    ahas_module_perms: Callable[..., Coroutine[Any, Any, bool]] = AnonymousUser.ahas_module_perms
