"""System checks: what roles, models, settings, rows and pages must be like for the rest of the app to be true."""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import Group, PermissionsMixin
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import models, router
from django.db.models import Count
from django.urls import get_resolver
from django.utils.module_loading import import_string
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from apps.rbac import constraints, protection
from apps.rbac.backends import RBACBackend
from apps.rbac.constraints import RoleSet
from apps.rbac.middleware import PolicyMiddleware
from apps.rbac.models import RoleAssignment
from apps.rbac.policies import AnyView, policy_of, walk
from apps.rbac.roles import GLOBAL, Role, registry, slug_of
from apps.rbac.sync import is_there

GUARDIAN = {"ANONYMOUS_USER_NAME": None, "GUARDIAN_MONKEY_PATCH_USER": False, "GUARDIAN_MONKEY_PATCH_GROUP": False}
SOURCES = ("get_user_permissions", "get_group_permissions", "aget_user_permissions", "aget_group_permissions")
ASKED = ("has_perm", "ahas_perm", "has_module_perms", "ahas_module_perms")


@register(Tags.security)
def roles_are_sound(**_: Any) -> Iterator[CheckMessage]:
    for role in registry.roles.values():
        yield from role_problems(role)
    for slug in sorted(registry.extensions.keys() - registry.roles.keys()):
        yield Error(f"An app extends the role {slug!r}, which no app declares.", id="rbac.E003")
    for each in registry.sets():
        yield from set_problems(each)


def role_problems(role: type[Role]) -> Iterator[CheckMessage]:
    for name in sorted(registry.own(role.slug) - protection.known_permissions()):
        yield Error(f"The role {role.slug!r} grants {name!r}, which no model declares.", id="rbac.E001")
    for slug in map(slug_of, role.inherits):
        if slug not in registry.roles:
            yield Error(f"The role {role.slug!r} inherits from {slug!r}, which no app declares.", id="rbac.E002")
        elif role.slug in registry.inherited(slug):
            yield Error(f"The role {role.slug!r} inherits from itself, by {slug!r}.", id="rbac.E002")
        elif registry.roles[slug].scope.lower() != role.scope.lower():
            yield Error(f"The role {role.slug!r} inherits from {slug!r}, which has another scope.", id="rbac.E004")
    if role.scope and role.scope.lower() not in {model._meta.label_lower for model in apps.get_models()}:
        yield Error(f"The scope {role.scope!r} of the role {role.slug!r} is no installed model.", id="rbac.E005")
    if not registry.permissions(role.slug) and registry.seniors(role.slug) == {role.slug}:
        yield Caution(f"The role {role.slug!r} grants nothing, and no other inherits from it.", id="rbac.W007")


def set_problems(each: RoleSet) -> Iterator[CheckMessage]:
    """The preconditions of CreateSsdSet and CreateDsdSet, and of AddInheritance where there are such sets."""
    name = f"The {each.kind.upper()} set {each.name!r}"
    if unknown := sorted(each.roles - registry.roles.keys()):
        yield Error(f"{name} has roles which no app declares: {', '.join(unknown)}.", id="rbac.E006")
    elif not 2 <= each.n <= len(each.roles):
        yield Error(f"{name} has n={each.n}: it must be from 2 to its number of roles.", id="rbac.E006")
    else:
        for slug in sorted(slug for slug in registry.roles if each.is_broken_by([slug])):
            yield Error(f"The role {slug!r} is or inherits {each.n} roles of {name.lower()}.", id="rbac.E007")


@register(Tags.security)
def every_permission_is_in_a_role(**_: Any) -> list[CheckMessage]:
    """Of the models that can be shared, and of rbac. A permission in no role is held by superusers alone."""
    guarded = [*protection.protected_models(), *apps.get_app_config("rbac").get_models()]
    wanted = frozenset().union(*map(protection.permissions_on, guarded))
    missing = sorted(wanted - registry.granted())
    return [Caution(f"No role grants the permission {name!r}.", id="rbac.W006") for name in missing]


@register(Tags.models)
def protected_models_are_whole(**_: Any) -> Iterator[CheckMessage]:
    for model in protection.protected_models():
        label, share = model._meta.label, protection.share_permission(model)
        if not all(protection.shares_of_model(model)):
            yield Error(f"{label} needs a UserShare and a GroupShare model: it has one.", id="rbac.E101")
        if share not in protection.permissions_on(model):
            yield Error(f"{label} declares no permission {share!r}, so nobody could share it.", id="rbac.E102")
    for model in apps.get_models():
        if hasattr(model, "rbac_container"):
            yield from container_problems(model)
    for label in sorted(scope._meta.label for scope in protection.scope_models()):
        if not isinstance(apps.get_model(label)._meta.pk, models.UUIDField):
            yield Error(f"{label} has no UUID primary key; roles are assigned on such objects only.", id="rbac.E104")


def container_problems(model: type[models.Model]) -> Iterator[CheckMessage]:
    field = protection.container_field(model)
    if field is None:
        yield Error(f"rbac_container of {model._meta.label} does not name a foreign key.", id="rbac.E103")
    elif hasattr(field.related_model, "rbac_container"):
        yield Error(f"The container of {model._meta.label} has a container itself: one level is all.", id="rbac.E103")


@register(Tags.security)
def settings_leave_one_decision(**_: Any) -> Iterator[CheckMessage]:
    middleware = list(map(import_string, settings.MIDDLEWARE))
    if not any(isinstance(each, type) and issubclass(each, PolicyMiddleware) for each in middleware):
        yield Error("No middleware asks views for their policy.", hint="See apps.rbac.", id="rbac.E401")
    backends = {path: type(load_backend(path)) for path in settings.AUTHENTICATION_BACKENDS}
    if not any(issubclass(each, RBACBackend) for each in backends.values()):
        yield Error("AUTHENTICATION_BACKENDS lacks RBACBackend.", hint="See apps.rbac.", id="rbac.E402")
    if rivals := [path for path, each in backends.items() if may_say_yes(each)]:
        yield Error(f"Other backends answer for permissions: {rivals}.", hint="Only RBACBackend may.", id="rbac.E402")
    # Django's PermissionsMixin says yes to a superuser before any backend is asked, even for a misspelled name.
    if own := [name for name in ASKED if getattr(get_user_model(), name) is getattr(PermissionsMixin, name)]:
        yield Error(f"The user model answers itself: {own}.", hint="Ask the backends instead.", id="rbac.E403")
    if loose := [name for name, value in GUARDIAN.items() if getattr(settings, name, "unset") != value]:
        yield Error(f"guardian needs other settings: {loose}.", hint="See apps.rbac.", id="rbac.E404")
    slug = settings.RBAC_DEFAULT_ROLE
    if slug and not registry.is_given_for(slug, GLOBAL):
        yield Error("RBAC_DEFAULT_ROLE is no global role.", hint="Name one, or set it to ''.", id="rbac.E405")
    if any(map(registry.is_privileged, registry.roles)) and not can_step_up():
        hint = "Roles that require activation need one."
        yield Error("RBAC_STEP_UP names no function.", hint=hint, id="rbac.E406")


def can_step_up() -> bool:
    try:
        return callable(import_string(settings.RBAC_STEP_UP))
    except ImportError:
        return False


def may_say_yes(backend: type) -> bool:
    """Whether it may beside ours: ModelBackend does to superusers, and reads a third store of rights.

    Not if it answers no question at all, or by Django's own logic from sources that are empty.
    """
    if issubclass(backend, RBACBackend) or not hasattr(backend, "has_perm"):
        return False
    own_logic = backend.has_perm not in (BaseBackend.has_perm, ModelBackend.has_perm)
    return own_logic or any(getattr(backend, name) is not getattr(BaseBackend, name) for name in SOURCES)


@register(Tags.database)
def no_rights_elsewhere(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Rows in Django's own permission tables or guardian's generic ones grant nothing here, and look as if they did."""
    user_model: Any = get_user_model()
    generic = (get_user_obj_perms_model(), get_group_obj_perms_model())
    tables = (user_model.user_permissions.through, Group.permissions.through, *generic)
    return [
        Error(f"{table._meta.db_table} has rows, which grant nothing.", hint="Empty it; give roles.", id="rbac.E301")
        for alias in databases or ()
        for table in tables
        if is_there(alias, table) and table._default_manager.using(alias).exists()
    ]


@register(Tags.database)
def assignments_fit_the_roles(databases: Any = None, **_: Any) -> Iterator[CheckMessage]:
    """What a declaration can't see: rows that it makes wrong. `migrate` asks too, and stops at an error."""
    alias = router.db_for_read(RoleAssignment)
    if alias not in (databases or ()) or not is_there(alias, RoleAssignment):
        return
    for name, people in constraints.offenders().items():
        told = f"{len(people)} people break the SSD set {name!r}: `manage.py rbac plan` lists them."
        yield Error(told, id="rbac.E302")
    for slug, number in left_behind().items():
        told = f"The role {slug!r} is not declared; its {number} assignments grant nothing."
        yield Caution(told, id="rbac.W303")


def left_behind() -> dict[str, int]:
    """Assignments of roles that are gone from the code: to be revoked, or the role to be declared again."""
    rows = RoleAssignment.objects.unended().exclude(role__in=registry.roles)
    return dict(rows.values_list("role").annotate(number=Count("pk")).order_by("role"))


@register(Tags.urls)
def every_url_has_a_policy(**_: Any) -> list[CheckMessage]:
    """At any depth: the first of the three layers that refuse an undeclared view."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    routes = walk(get_resolver().url_patterns)
    return [problem for name, route, pattern in routes for problem in page_problems(name, route, pattern.callback)]


def page_problems(name: str, route: str, view: AnyView) -> Iterator[CheckMessage]:
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
    for rule in policy.permissions():
        if rule.permission not in protection.known_permissions():
            yield Error(f"{where} asks for {rule.permission!r}, which no model declares.", id="rbac.E203")
        elif rule.permission not in registry.granted():
            yield Caution(f"{where} asks for {rule.permission!r}, which no role grants.", id="rbac.W205")
        if rule.on and not re.search(rf"[<:]{re.escape(rule.on)}>", route):
            yield Error(f"{where} has no argument {rule.on!r}, on which its policy stands.", id="rbac.E204")
