"""Makes what tests start from. Each factory gives valid, distinct things; a test names only what it is about."""

from itertools import count
from secrets import token_bytes
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import User

numbers = count(1)


def make_user(*, role: str | None = None, email: str | None = None, password: str | None = None, **fields: Any) -> User:
    """A user with the default role, and `role` (a slug) if given. Without a password nobody can sign in as them."""
    user = User.objects.create_user(email or f"user{next(numbers)}@example.org", password, **fields)
    if role:
        give_role(user, role)
    return user


def make_group(**fields: Any) -> Group:
    return Group.objects.create(**({"name": f"Group {next(numbers)}"} | fields))


def give_role(user: User, slug: str) -> None:
    from apps.rbac.assignments import assign_role_as_system

    assign_role_as_system(slug, user, reason="the test says so")


def have_keys(*users: User) -> None:
    """As after the first event of each that was committed: the log has a key for them, and this process knows it."""
    from apps.encryption import subjects
    from apps.encryption.models import SubjectKey

    subjects.forget()
    for user in users:
        SubjectKey.objects.create(subject=f"accounts.user:{user.pk}", key=token_bytes(32))
        subjects.seal(f"accounts.user:{user.pk}", b"", b"")


def signed_in_client(user: User) -> Client:
    """Past the sign-in page, whose tests are elsewhere."""
    client = Client()
    client.force_login(user, backend="apps.accounts.backends.SignInBackend")
    return client
