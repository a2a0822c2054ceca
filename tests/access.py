"""The access matrix: who gets which answer from every URL, by real requests. Committed, so that a change is reviewed.

`make access-matrix` writes the files anew; the tests beside them compare. A new URL without a row is a difference.
"""

import csv
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from http.cookies import SimpleCookie
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from apps.accounts.models import User
from apps.rbac.assignments import assign_role_as_system, revoke_role
from apps.rbac.policies import policy_of, walk
from tests import factories

METHODS = ("GET", "POST")
SAMPLES = {"uuid": "01890000-0000-7000-8000-000000000000", "int": "1"}
PEOPLE = ("anonymous", "guest", "user", "holder", "wrong scope", "expired", "inactive", "admin", "superuser")
HEAD = ("url", "policy", "method", *PEOPLE)

type Arguments = Callable[[str], dict[str, Any]]
type Row = dict[str, str]


class Route(NamedTuple):
    name: str
    path: str
    pattern: URLPattern

    @property
    def key(self) -> str:
        return self.name if not self.name.endswith(":") and self.name else f"/{self.path}"


def routes(urlconf: str | None, wanted: Callable[[str], bool]) -> Iterator[Route]:
    for name, path, pattern in walk(get_resolver(urlconf).url_patterns):
        if wanted(name):
            yield Route(name, path, pattern)


def people(role: str, mine: models.Model, others: models.Model) -> dict[str, User | None]:
    """One of each kind. The holder has `role` on the object of the URLs; the next three would, but for one thing."""
    made: dict[str, Any] = {each: factories.make_user(email=f"{each.replace(' ', '.')}@example.org") for each in PEOPLE}
    made["anonymous"] = None
    factories.give_role(made["admin"], "admin")
    factories.give_role(made["guest"], "guest")
    revoke_role(made["admin"], "user", made["guest"])
    for each in ("holder", "inactive"):
        assign_role_as_system(role, made[each], mine, reason="matrix")
    assign_role_as_system(role, made["wrong scope"], others, reason="matrix")
    begun, ended = timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1)
    for slug, scope in ((role, mine), ("admin", None)):
        assign_role_as_system(slug, made["expired"], scope, starts_at=begun, expires_at=ended, reason="matrix")
    factories.give_role(made["inactive"], "admin")
    User.objects.filter(email="inactive@example.org").update(is_active=False)
    User.objects.filter(email="superuser@example.org").update(is_superuser=True)
    return made


def matrix(found: Iterator[Route], made: dict[str, User | None], arguments: Arguments) -> list[Row]:
    rows, browsers = [], {who: signed_in(user) for who, user in made.items()}
    for route in sorted(found, key=lambda route: route.key):
        url = address(route, arguments(route.name))
        for method in METHODS:
            answers = {who: answer(cookies, method, url) for who, cookies in browsers.items()}
            rows.append({"url": route.key, "policy": words(route.pattern), "method": method, **answers})
    return rows


def address(route: Route, arguments: dict[str, Any]) -> str:
    """The route with values from `arguments`, or such as fit and mean nothing."""
    path = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route.path)
    path = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda group: f"<str:{group[1]}>", path)
    path = path.replace("^", "").replace("$", "").replace("\\Z", "")

    def value(match: re.Match[str]) -> str:
        return str(arguments.get(match["name"], SAMPLES.get(match["kind"] or "", "x")))

    return "/" + re.sub(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>", value, path)


def signed_in(user: User | None) -> SimpleCookie:
    """The cookies of somebody's browser."""
    return factories.signed_in_client(user).cookies if user is not None else SimpleCookie()


def answer(cookies: SimpleCookie, method: str, url: str) -> str:
    """Of a browser of its own; what the request has done is taken back."""
    cache.clear()  # limits on attempts are not what is asked here
    browser = Client(raise_request_exception=False)
    browser.cookies.update(cookies)
    with transaction.atomic():
        response = browser.generic(method, url, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    sign_in_pages = (settings.LOGIN_URL, "/accounts/login/")
    to_sign_in = response.status_code == 302 and response["Location"].startswith(sign_in_pages)
    return "sign in" if to_sign_in else str(response.status_code)


def words(pattern: URLPattern) -> str:
    policy = policy_of(pattern.callback)
    if policy is None:
        return "none"
    if not policy.login_required:
        return "public"
    asked = [rule.permission + (" on it" if rule.on else "") for rule in policy.permissions()]
    return " or ".join(asked) or "signed in"


def compare(file: Path, rows: list[Row]) -> None:
    """Raises AssertionError with the differing lines; writes the file instead if WRITE_ACCESS_MATRIX is set."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, HEAD, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    if "WRITE_ACCESS_MATRIX" in os.environ:
        file.write_text(text.getvalue())
    committed: list[str] = []
    with suppress(FileNotFoundError):
        committed = file.read_text().splitlines()
    found = text.getvalue().splitlines()
    gone = [f"- {each}" for each in committed if each not in found]
    new = [f"+ {each}" for each in found if each not in committed]
    differences = "\n".join([",".join(HEAD), *gone, *new])
    assert not gone + new, f"The access matrix has changed: review it, then make access-matrix.\n{differences}"


def assert_nobody_reaches_others(rows: list[Row]) -> None:
    """What the matrix has to say whatever the URLs are: the files may change, this may not."""
    for row in rows:
        if row["policy"] == "public":
            continue
        assert row["anonymous"] == row["inactive"] == "sign in", row
        if row["policy"].endswith(" on it") and " or " not in row["policy"]:
            for who in ("user", "wrong scope", "expired", "admin"):
                assert row[who] in {"403", "404", "405"}, row
