"""Where an event comes from. Carried by context variables: each thread and each asyncio task has its own.

The middleware sets the request. A command or task says for whom it works:

    with acting_as(user, reason="nightly clean-up"): …      # or acting_as(None, …): the system itself

Whoever is accountable stays the actor: the person signed in, else the first that `acting_as` names, else the system.
A further `acting_as` inside is on behalf of that person.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import PurePath
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from apps.audit.writing import is_collecting, surviving

MANAGERS = ("manage.py", "django-admin", "__main__.py")


class Actor(NamedTuple):
    """type: user, anonymous or system. label: the name as it was then, since a user may be renamed or deleted."""

    type: str
    id: str
    label: str


class Origin(NamedTuple):
    """The columns of an event that tell where it comes from, in the order of SPEC.md."""

    ip: str = ""
    user_agent: str = ""
    session: str = ""
    request_id: str = ""
    route: str = ""
    method: str = ""


class Context(NamedTuple):
    actor: Actor
    on_behalf_of: Actor | None
    reason: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Acting:
    people: tuple[Actor, ...] = ()
    reason: str = ""
    request_id: str = ""


NOBODY_NAMED = Acting()

_request: ContextVar[HttpRequest | None] = ContextVar("audit_request", default=None)
_acting: ContextVar[Acting] = ContextVar("audit_acting", default=NOBODY_NAMED)


def current() -> Context:
    """Who acts now, and from where. The user is asked for only here, so that a page without events loads none."""
    request, acting = _request.get(), _acting.get()
    people = (*signed_in(request), *acting.people)
    actor = people[0] if people else nobody(request)
    principal = people[-1] if people and people[-1] != actor else None
    origin = origin_of(request) if request else Origin(request_id=acting.request_id, route=nobody(None).label)
    return Context(actor, principal, acting.reason, origin)


@contextmanager
def acting_as(user: AbstractBaseUser | None, *, reason: str = "") -> Iterator[None]:
    """Events of this block are done by `user`, or by the system (None), for `reason`.

    Open it outside of `transaction.atomic`: what must survive a roll-back is written when the outermost block ends.
    """
    outer = _acting.get()
    people = outer.people if user is None else (*outer.people, person(user))
    token = _acting.set(Acting(people, reason or outer.reason, outer.request_id))
    try:
        with nullcontext() if is_collecting() else surviving():
            yield
    finally:
        _acting.reset(token)


@contextmanager
def within(request: HttpRequest | None, acting: Acting) -> Iterator[None]:
    tokens = _request.set(request), _acting.set(acting)
    try:
        with surviving():
            yield
    finally:
        _request.reset(tokens[0])
        _acting.reset(tokens[1])


def of_request(request: HttpRequest) -> AbstractContextManager[None]:
    """Events of this block come from `request`; those that survive a roll-back are written when it ends."""
    return within(request, NOBODY_NAMED)


def carried() -> dict[str, Any]:
    """Who acts, why and in which request, as plain JSON: for a queue, whose worker opens `resumed` with it."""
    request, acting = _request.get(), _acting.get()
    people = [[each.type, each.id, each.label] for each in (*signed_in(request), *acting.people)]
    return {"people": people, "reason": acting.reason, "request_id": current().origin.request_id}


def resumed(context: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Events of this block are done by whom `carried` told of, whatever is around it; by the system if of nobody."""
    people = tuple(Actor(*map(str, each)) for each in context.get("people", ()))
    return within(None, Acting(people, str(context.get("reason", "")), str(context.get("request_id", ""))))


def signed_in(request: HttpRequest | None) -> tuple[Actor, ...]:
    user = getattr(request, "user", None)
    return (person(user),) if user is not None and user.is_authenticated else ()


def person(user: AbstractBaseUser) -> Actor:
    return Actor("user", str(user.pk), user.get_username())


def nobody(request: HttpRequest | None) -> Actor:
    if request is not None:
        return Actor("anonymous", "", "somebody not signed in")
    return system(*sys.argv[:2])


@cache
def system(path: str = "", argument: str = "") -> Actor:
    program = PurePath(path).name
    command = (program in MANAGERS and argument) or program or "python"
    return Actor("system", command, f"system:{command}")


def origin_of(request: HttpRequest) -> Origin:
    return Origin(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_USER_AGENT", ""),
        session_of(request),
        getattr(request, "request_id", ""),
        # The route, not the path: paths carry reset tokens and other secrets (ASVS 16.2.5).
        request.resolver_match.route if request.resolver_match else "",
        request.method or "",
    )


def session_of(request: HttpRequest) -> str:
    """A hash which ties the events of one session together without giving the key of it away (ASVS 16.2.5)."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    return sha256(b"audit session\n" + key.encode()).hexdigest()[:32] if key else ""
