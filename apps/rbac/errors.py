"""What can go wrong, each with its name. A refusal is a PermissionDenied: a view that forgets it answers 403."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied


class AccessRefused(PermissionDenied):
    """The permission (one of them) is missing: on the object, or everywhere. For the page that tells so."""

    def __init__(self, message: str, permissions: tuple[str, ...], obj: Any = None) -> None:
        super().__init__(message)
        self.permissions, self.obj = permissions, obj


class UnknownPermission(LookupError):
    """No installed model declares this permission: a typing error, or an app that is gone."""


class DirectGrantError(RuntimeError):
    """Rights were written past the services, which check who gives what to whom and tell about it."""


class GateMissing(ImproperlyConfigured):
    """A view that declared a permission on an object answered without having checked it."""


class GrantRefused(PermissionDenied):
    """The rights may not be given or taken like this. Its text can be shown to who tried."""

    told = False  # whether `grant_refused` has been sent


class AlreadyAssigned(GrantRefused):
    """The object has, or had, an owner: only its first assignment needs no grantor."""


class BeyondOwn(GrantRefused):
    """Nobody gives what he does not hold himself."""


class BeyondTerm(GrantRefused):
    """Longer than the role may be given for, or than the grantor's own right lasts."""


class InactiveRecipient(GrantRefused):
    """An account that can't sign in gets nothing: it would hold it, unseen, on the day it comes back."""


class LastAdministrator(GrantRefused):
    """Afterwards nobody could give roles, and nobody could put that right but by the database."""


class MayNotActivate(GrantRefused):
    """The role can't be used in this session, or not now."""


class MayNotGrant(GrantRefused):
    """To give rights on something is a permission of its own."""


class NotGrantable(GrantRefused):
    """The permission or role does not belong to this kind of object."""


class SelfGrant(GrantRefused):
    """Nobody changes his own rights, nor those of a group he is in."""


class SeparationOfDuty(GrantRefused):
    """Somebody would hold (SSD), or use at once (DSD), roles that exclude each other."""


class StepUpRequired(MayNotActivate):
    """Whoever activates a privileged role proves again who he is."""


class UnknownRole(GrantRefused, LookupError):
    """No app declares a role with this slug."""
