"""`manage.py demo`: accounts to try the kit with, one for each seed role and one more to share with."""

import secrets
from collections.abc import Callable
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.module_loading import module_has_submodule

from apps.accounts.models import User
from apps.audit.api import acting_as, record
from apps.rbac.assignments import assign_role_as_system, revoke_role

ACCOUNTS = {"admin": "admin", "ana": "user", "ben": "user", "gil": "guest"}  # who, and with which role
LETTERS = "abcdefghjkmnpqrstuvwxyz"  # none that looks like another


def fresh_password() -> str:
    """Twenty letters in groups of five: 90 random bits that a person can type."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))


class Command(BaseCommand):
    help = "Make the demo accounts and print how to sign in. A second run keeps the accounts and all data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="http://127.0.0.1:8000/", help="where the site will be found")
        parser.add_argument("--new-passwords", action="store_true", help="give every demo account a new password")

    def handle(self, *args: Any, address: str, new_passwords: bool, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Demo accounts are for local runs. Use config.settings.local, which sets DEMO = True.")
        with acting_as(None, reason="demo"), transaction.atomic():
            passwords = {name: self.prepare(name, role, new_passwords) for name, role in ACCOUNTS.items()}
            users = {name: User.objects.get(email=address_of(name)) for name in ACCOUNTS}
            for load in demo_data():
                load(users)
        self.print_table(passwords)
        self.stdout.write(f"\nThe site: {address}\n")

    def prepare(self, name: str, role: str, renew: bool) -> str | None:
        """The account's new password, or None when it has one already."""
        user = User.objects.filter(email=address_of(name)).first()
        if user is not None and not renew:
            return None
        password = fresh_password()
        if user is None:
            make_account(name, role, password)
        else:
            user.set_password(password)
            user.save()
            record("accounts.password.set", target=user)
        return password

    def print_table(self, passwords: dict[str, str | None]) -> None:
        self.stdout.write(f"{'Role':<8}{'Email':<20}Password")
        for name, password in passwords.items():
            self.stdout.write(f"{ACCOUNTS[name]:<8}{address_of(name):<20}{password or 'as before'}")
        if None in passwords.values():
            self.stdout.write(
                "\nPasswords are shown once, when an account is made. For new ones:\n"
                "    .venv/bin/python manage.py demo --new-passwords"
            )


def address_of(name: str) -> str:
    return f"{name}@example.org"


def make_account(name: str, role: str, password: str) -> None:
    """An account whose address counts as proved: example.org takes no mail (RFC 2606)."""
    user = User.objects.create_user(address_of(name), password, name=name.capitalize())
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    if role != settings.RBAC_DEFAULT_ROLE:
        assign_role_as_system(role, user, reason="demo")
    if role == "guest":  # who may do less than the role that everybody is given
        revoke_role(User.objects.get(email=address_of("admin")), settings.RBAC_DEFAULT_ROLE, user, reason="demo")


def demo_data() -> list[Callable[[dict[str, User]], None]]:
    """`load(users)` of each installed app that has a module `demo`. It must be idempotent: it runs every time."""
    return [
        import_module(f"{app.name}.demo").load
        for app in apps.get_app_configs()
        if app.module and module_has_submodule(app.module, "demo")
    ]
