"""What every page knows: the site's name, the notice of a local run, where to go, and the request's id."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from config.navigation import Link, links_for


def site(request: HttpRequest) -> dict[str, Any]:
    """The variables of `templates/base.html`. `navigation` asks permissions only when a page calls it."""
    return {
        "SITE_NAME": settings.SITE_NAME,
        "LOCAL_NOTICE": settings.LOCAL_NOTICE,
        "navigation": partial(navigation, request),
        "request_id": getattr(request, "request_id", ""),
    }


def navigation(request: HttpRequest) -> list[tuple[Link, bool]]:
    """Each link of this request's user, and whether the page shown is in its section."""
    if not hasattr(request, "user"):  # refused before authentication
        return []
    links = links_for(request.user)
    around = [link.url for link in links if request.path.startswith(link.url)]
    section = max(around, key=len, default=None)  # of /audit/ and /audit/mine/ the nearer one
    return [(link, link.url == section) for link in links]
