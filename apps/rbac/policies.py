"""Who may call a view, said where the view is. A view that says nothing is refused (ASVS 8.2.1).

    @policy(perm("documents.change_document", on="pk"))
    def edit(request, pk): ...

    class Edit(PolicyView, UpdateView):
        policy = perm("documents.change_document", on="pk")

    path("audit/", policy_include("apps.audit.urls", perm("audit.view_event"), {"my_activity": login()}))

`any_of` and `method_map` combine them. `on` names the URL's argument that holds the object's primary key. Such a view
has to fetch its object through `gates.access_or_404`: if it answers without having done so, the answer becomes an error
inside the request's transaction, and what it wrote is rolled back. So does, in the middleware, an answer that a
decorator above `@policy` gives instead of the view (`cache_page`, `condition`): such decorators go below.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver, include
from django.views import View

from apps.rbac import decisions, signals
from apps.rbac.errors import GateMissing

type AnyView = Callable[..., Any]
type Passed = tuple[str, str]  # permission, primary key as text

ERRORS_FROM = 400  # an answer below tells, or does, something
EXPECTED = "_rbac_gate_expected"  # on a request whose view has still to be held to its policy


class Policy:
    """What a view asks of its caller before it runs (`admits`), and of itself before its answer leaves (`settled`)."""

    login_required: ClassVar[bool] = True

    def by_method(self, method: str | None) -> "Policy":
        """The policy that holds for one HTTP method."""
        return self

    def admits(self, user: decisions.AnyUser) -> bool:
        raise NotImplementedError

    def settled(self, user: decisions.AnyUser, passed: set[Passed], arguments: dict[str, Any]) -> bool:
        return self.admits(user)

    def permissions(self) -> "tuple[Perm, ...]":
        return ()

    @property
    def needs_object(self) -> bool:
        return any(rule.on for rule in self.permissions())


@dataclass(frozen=True, kw_only=True)
class Public(Policy):
    """Everybody, signed in or not; `reason` stands in the list of public pages."""

    reason: str

    login_required: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ImproperlyConfigured("A public view says why it is public: public(reason=…).")

    def admits(self, user: decisions.AnyUser) -> bool:
        return True


@dataclass(frozen=True)
class Login(Policy):
    """Whoever is signed in and active."""

    def admits(self, user: decisions.AnyUser) -> bool:
        return decisions.may_act(user)


@dataclass(frozen=True)
class Perm(Policy):
    """Who holds the permission everywhere; with `on`, on the object that this argument of the URL names."""

    permission: str
    on: str | None = None

    def admits(self, user: decisions.AnyUser) -> bool:
        """With `on`, whoever is signed in comes as far as the gate, which knows the object."""
        return decisions.may_act(user) if self.on else decisions.check(user, self.permission)

    def settled(self, user: decisions.AnyUser, passed: set[Passed], arguments: dict[str, Any]) -> bool:
        return (self.permission, str(arguments.get(self.on))) in passed if self.on else self.admits(user)

    def permissions(self) -> "tuple[Perm, ...]":
        return (self,)


@dataclass(frozen=True)
class AnyOf(Policy):
    policies: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if any(not each.login_required for each in self.policies):
            raise ImproperlyConfigured("A view is public or it is not: no part of its policy is public alone.")
        if any(isinstance(each, MethodMap) for each in self.policies):
            raise ImproperlyConfigured("method_map is the outermost: it takes any_of, and is in none.")

    def admits(self, user: decisions.AnyUser) -> bool:
        return any(each.admits(user) for each in self.policies)

    def settled(self, user: decisions.AnyUser, passed: set[Passed], arguments: dict[str, Any]) -> bool:
        return any(each.settled(user, passed, arguments) for each in self.policies)

    def permissions(self) -> "tuple[Perm, ...]":
        return tuple(rule for each in self.policies for rule in each.permissions())


@dataclass(frozen=True)
class MethodMap(AnyOf):
    """Held to by the middleware and the view through the policy of the request's method."""

    methods: tuple[str, ...]

    def by_method(self, method: str | None) -> Policy:
        wanted = "GET" if method == "HEAD" and "HEAD" not in self.methods else method
        return dict(zip(self.methods, self.policies, strict=True)).get(str(wanted), NOBODY)

    def admits(self, user: decisions.AnyUser) -> bool:
        """Nobody, where nobody has said which method."""
        return False


NOBODY = AnyOf(())


login, perm, public = Login, Perm, Public  # as declarations read them


def any_of(*policies: Policy) -> Policy:
    """Whom one of the policies admits."""
    return AnyOf(policies)


def method_map(**policies: Policy) -> Policy:
    """A policy for each method: method_map(GET=login(), POST=perm(…)). HEAD goes with GET; others are refused."""
    return MethodMap(tuple(policies.values()), tuple(policies))


def policy(rule: Policy) -> Callable[[AnyView], AnyView]:
    """Declare who may call a view. Other decorators go above or below it, if they keep attributes (functools.wraps)."""

    def declare(view: AnyView) -> AnyView:
        declared = gated(view, rule) if rule.needs_object else view
        declared.policy = rule  # type: ignore[attr-defined] # where Django's own marks are, too
        declared.login_required = rule.login_required  # type: ignore[attr-defined] # LoginRequiredMiddleware reads it
        return declared

    return declare


def gated(view: AnyView, rule: Policy) -> AnyView:
    """Runs inside the transaction of ATOMIC_REQUESTS, which middleware does not."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = await view(request, *args, **kwargs)
            return await sync_to_async(held_to)(rule, request, response, kwargs)
    else:

        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return held_to(rule, request, view(request, *args, **kwargs), kwargs)

    return run


def held_to(rule: Policy, request: HttpRequest, response: HttpResponse, arguments: dict[str, Any]) -> HttpResponse:
    """The response, if the view has made the check that it declared. Raises GateMissing.

    An error tells nothing, and may come before the check. But what the view wrote until then is rolled back.
    """
    if not rule.by_method(request.method).settled(request.user, passed_gates(request), arguments):
        if response.status_code < ERRORS_FROM:
            raise told_missing(request)
        if transaction.get_connection().in_atomic_block:
            transaction.set_rollback(True)
    request.__dict__.pop(EXPECTED, None)
    return response


def expect_gate(request: HttpRequest, rule: Policy) -> None:
    if rule.needs_object:
        request.__dict__[EXPECTED] = True


def is_bypassed(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether an answer has come from above the view, which never ran and so has let nobody pass its gate."""
    return EXPECTED in request.__dict__ and response.status_code < ERRORS_FROM


def told_missing(request: HttpRequest) -> GateMissing:
    reason = f"{request.path} answered without checking the object that its policy names."
    signals.tell(signals.policy_missing, outcome="error", reason=reason, path=request.path)
    return GateMissing(f"{reason} Fetch it with apps.rbac.gates.access_or_404, by the same permission.")


def passed_gates(request: HttpRequest) -> set[Passed]:
    """What `gates.access_or_404` has let this request pass."""
    found: set[Passed] = request.__dict__.setdefault("_rbac_passed_gates", set())
    return found


class PolicyView(View):
    """For class-based views: `policy = …` on the class. First of the bases."""

    policy: ClassVar[Policy]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> AnyView:
        """`policy` may be given here, too, as every attribute of a view may."""
        return policy(initkwargs.get("policy", cls.policy))(super().as_view(**initkwargs))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Not allowed, unless the view says how: Django's own answer passes no gate."""
        return self.http_method_not_allowed(request, *args, **kwargs)


# Policies of views that know no rbac. Keyed by the callback: attributes can't be set on each (the admin's are bound
# methods), and what a parent resolver carries is lost in the ResolverMatch.
_included: dict[AnyView, Policy] = {}


def policy_include(urlconf: Any, default: Policy, by_name: Mapping[str, Policy] | None = None, /) -> Any:
    """`include(urlconf)` with a policy for each view: `by_name` for the URLs named there, else `default`.

    Raises ImproperlyConfigured for a name that no URL has, a view that has another policy already, and a policy on
    an object, which only the view itself can keep.
    """
    is_site = isinstance(urlconf, tuple) and len(urlconf) == 3  # what `AdminSite.urls` gives
    module, app_name, namespace = urlconf if is_site else include(urlconf)
    chosen = by_name or {}
    routes = [(name, pattern.callback) for name, _, pattern in walk(getattr(module, "urlpatterns", module))]
    if unknown := chosen.keys() - {name for name, _ in routes}:
        raise ImproperlyConfigured(f"No URL of {module} is named {', '.join(sorted(unknown))}.")
    if any(rule.needs_object for rule in (default, *chosen.values())):
        raise ImproperlyConfigured("A policy on an object is declared at its view, which has to pass the gate.")
    for name, view in routes:
        rule = chosen.get(name, default)
        if (policy_of(view) or rule) != rule:
            raise ImproperlyConfigured(f"The view of {name!r} in {module} has another policy already.")
        _included[view] = rule
    return module, app_name, namespace


def policy_of(view: AnyView) -> Policy | None:
    """What the view, or the include that it came by, declares."""
    found = _included.get(view) or getattr(view, "policy", None)
    return found if isinstance(found, Policy) else None


def walk(patterns: Any, namespaces: tuple[str, ...] = (), route: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    """Name with its namespaces, route and pattern of every URL at any depth."""
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from walk(pattern.url_patterns, inner, here)
        else:
            yield ":".join((*namespaces, pattern.name or "")), here, pattern


def public_views() -> list[tuple[str, str, str]]:
    """Name, route and reason of every URL that needs no sign-in: for a report, and for a test that compares it."""
    views = ((name, route, policy_of(pattern.callback)) for name, route, pattern in walk(get_resolver().url_patterns))
    return [(name, route, rule.reason) for name, route, rule in views if isinstance(rule, Public)]
