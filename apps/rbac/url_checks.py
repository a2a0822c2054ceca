"""System checks over every URL, at any depth: the first of the three layers that refuse an undeclared view."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.urls import get_resolver

from apps.rbac import protection
from apps.rbac.policies import AnyView, Policy, policy_of, walk
from apps.rbac.roles import registry


@register(Tags.urls)
def every_url_has_a_policy(**_: Any) -> list[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    routes = walk(get_resolver().url_patterns)
    return [problem for name, route, pattern in routes for problem in problems(name, route, pattern.callback)]


def problems(name: str, route: str, view: AnyView) -> Iterator[CheckMessage]:
    where = f"/{route} ({name or 'unnamed'})"
    policy = policy_of(view)
    if policy is None:
        on_class = hasattr(getattr(view, "view_class", None), "policy")
        hint = "Its class has one: let it inherit PolicyView." if on_class else "Use @policy or policy_include."
        yield Error(f"{where} declares no policy, and is refused.", hint=hint, id="rbac.E201")
        return
    if not policy.login_required and getattr(view, "login_required", True):
        hint = "Mark the view with Django's login_not_required."
        yield Error(f"{where} is public by its policy, yet Django asks to sign in.", hint=hint, id="rbac.E202")
    yield from permission_problems(where, route, policy)


def permission_problems(where: str, route: str, policy: Policy) -> Iterator[CheckMessage]:
    for rule in policy.permissions():
        if rule.permission not in protection.known_permissions():
            yield Error(f"{where} asks for {rule.permission!r}, which no model declares.", id="rbac.E203")
        elif not any(rule.permission in registry.permissions(slug) for slug in registry.roles):
            yield Caution(f"{where} asks for {rule.permission!r}, which no role grants.", id="rbac.W205")
        if rule.on and not re.search(rf"[<:]{re.escape(rule.on)}>", route):
            yield Error(f"{where} has no argument {rule.on!r}, on which its policy stands.", id="rbac.E204")
