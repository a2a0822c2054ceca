"""The links in the header: each app names its own, so that adding or deleting an app touches no other file.

An app declares `navigation` on its AppConfig, as tuples of label, URL name and the permission needed, or a
function of the user that tells (None: whoever is signed in). They come in the order of INSTALLED_APPS, the project's
apps first.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse


class Link(NamedTuple):
    label: str
    url_name: str
    permission: str | Callable[[Any], bool] | None

    @property
    def url(self) -> str:
        return reverse(self.url_name)


def links_for(user: AbstractBaseUser | AnonymousUser) -> list[Link]:
    """What this user may open; nothing for a visitor who has not signed in.

    A link is a courtesy: the page behind it refuses by its own policy, whatever is shown here.
    """
    return [link for link in declared() if user.is_authenticated and may_open(user, link)]


def may_open(user: AbstractBaseUser | AnonymousUser, link: Link) -> bool:
    if callable(link.permission):
        return link.permission(user)
    return link.permission is None or (hasattr(user, "has_perm") and user.has_perm(link.permission))


def declared() -> Iterator[Link]:
    for config in apps.get_app_configs():
        for entry in getattr(config, "navigation", ()):
            yield Link(*entry)
