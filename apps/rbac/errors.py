"""What can go wrong, each with its name. A refusal is a PermissionDenied: a view that forgets it answers 403."""

from django.core.exceptions import ImproperlyConfigured, PermissionDenied


class UnknownPermission(LookupError):
    """No installed model declares this permission: a typing error, or an app that is gone."""


class UnknownRole(LookupError):
    """No app declares a role with this slug."""


class DirectGrantError(RuntimeError):
    """Rights were written past the services, which check who gives what to whom and tell about it."""


class GateMissing(ImproperlyConfigured):
    """A view that declared a permission on an object answered without having checked it."""


class GrantRefused(PermissionDenied):
    """The rights may not be given or taken like this. Its text can be shown to who tried."""


class AlreadyAssigned(GrantRefused):
    """The object has, or had, an owner: only its first assignment needs no grantor."""


class BeyondOwn(GrantRefused):
    """Nobody gives what he does not hold himself."""


class InactiveRecipient(GrantRefused):
    """An account that can't sign in gets nothing: it would hold it, unseen, on the day it comes back."""


class MayNotGrant(GrantRefused):
    """To give rights on something is a permission of its own."""


class NotGrantable(GrantRefused):
    """The permission or role does not belong to this kind of object."""


class SelfGrant(GrantRefused):
    """Nobody changes his own rights, nor those of a group he is in."""
