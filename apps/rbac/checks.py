"""System checks: what roles, models, settings and rows must be like for the rest of the app to be true."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import Group, PermissionsMixin
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router
from django.db.models import Count
from django.utils.module_loading import import_string
from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model

from apps.rbac import constraints, protection
from apps.rbac.backends import RBACBackend
from apps.rbac.constraints import RoleSet
from apps.rbac.middleware import PolicyMiddleware
from apps.rbac.models import RoleAssignment
from apps.rbac.roles import GLOBAL, Role, registry, slug_of
from apps.rbac.sync import is_there

GUARDIAN = {"ANONYMOUS_USER_NAME": None, "GUARDIAN_MONKEY_PATCH_USER": False, "GUARDIAN_MONKEY_PATCH_GROUP": False}
SOURCES = ("get_user_permissions", "get_group_permissions", "aget_user_permissions", "aget_group_permissions")
ASKED = ("has_perm", "ahas_perm", "has_module_perms", "ahas_module_perms")


@register(Tags.security)
def roles_are_sound(**_: Any) -> list[CheckMessage]:
    return [
        *(problem for role in registry.roles.values() for problem in role_problems(role)),
        *(
            Error(f"An app extends the role {slug!r}, which no app declares.", id="rbac.E003")
            for slug in registry.extensions
            if slug not in registry.roles
        ),
        *(problem for each in (*registry.ssd.values(), *registry.dsd.values()) for problem in set_problems(each)),
    ]


def role_problems(role: type[Role]) -> Iterator[CheckMessage]:
    for name in sorted(registry.own(role.slug) - protection.known_permissions()):
        yield Error(f"The role {role.slug!r} grants {name!r}, which no model declares.", id="rbac.E001")
    juniors = [slug_of(junior) for junior in role.inherits]
    for slug in juniors:
        if slug not in registry.roles:
            yield Error(f"The role {role.slug!r} inherits from {slug!r}, which no app declares.", id="rbac.E002")
        elif role.slug in registry.inherited(slug):
            yield Error(f"The role {role.slug!r} inherits from itself, by {slug!r}.", id="rbac.E002")
        elif registry.roles[slug].scope.lower() != role.scope.lower():
            yield Error(f"The role {role.slug!r} inherits from {slug!r}, which has another scope.", id="rbac.E004")
    if role.scope and not is_model(role.scope):
        yield Error(f"The scope {role.scope!r} of the role {role.slug!r} is no installed model.", id="rbac.E005")

    inherited = {slug_of(junior) for each in registry.roles.values() for junior in each.inherits}
    if not registry.permissions(role.slug) and role.slug not in inherited:
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


def is_model(label: str) -> bool:
    return label.lower() in {model._meta.label_lower for model in apps.get_models()}


@register(Tags.security)
def every_permission_is_in_a_role(**_: Any) -> list[CheckMessage]:
    """Of the models that can be shared, and of rbac. A permission in no role is held by superusers alone."""
    granted = frozenset().union(*(registry.permissions(slug) for slug in registry.roles))
    guarded = [*protection.protected_models(), *apps.get_app_config("rbac").get_models()]
    wanted = frozenset().union(*(protection.permissions_on(model) for model in guarded))
    return [Caution(f"No role grants the permission {name!r}.", id="rbac.W006") for name in sorted(wanted - granted)]


@register(Tags.models)
def protected_models_are_whole(**_: Any) -> list[CheckMessage]:
    models_with_container = [model for model in apps.get_models() if hasattr(model, "rbac_container")]
    scopes = {role.scope for role in registry.roles.values()}
    return [
        *(problem for model in protection.protected_models() for problem in share_problems(model)),
        *(problem for model in models_with_container for problem in container_problems(model)),
        *(key_problem(scope) for scope in sorted(scopes) if is_model(scope) and not has_uuid(scope)),
    ]


def share_problems(model: type[models.Model]) -> Iterator[CheckMessage]:
    if not all(protection.shares_of_model(model)):
        yield Error(f"{model._meta.label} needs a UserShare and a GroupShare model: it has one.", id="rbac.E101")
    if protection.share_permission(model) not in protection.permissions_on(model):
        name = protection.share_permission(model)
        yield Error(f"{model._meta.label} declares no permission {name!r}, so nobody could share it.", id="rbac.E102")
    if not has_uuid(model._meta.label):
        yield key_problem(model._meta.label)


def container_problems(model: type[models.Model]) -> Iterator[CheckMessage]:
    try:
        field = protection.container_field(model)
    except FieldDoesNotExist:
        field = None
    if field is None:
        yield Error(f"rbac_container of {model._meta.label} does not name a foreign key.", id="rbac.E103")
    elif hasattr(field.related_model, "rbac_container"):
        yield Error(f"The container of {model._meta.label} has a container itself: one level is all.", id="rbac.E103")
    elif not has_uuid(field.related_model._meta.label):
        yield key_problem(field.related_model._meta.label)


def has_uuid(label: str) -> bool:
    return isinstance(apps.get_model(label)._meta.pk, models.UUIDField)


def key_problem(label: str) -> CheckMessage:
    return Error(f"{label} has no UUID primary key; roles are assigned on such objects only.", id="rbac.E104")


@register(Tags.security)
def settings_leave_one_decision(**_: Any) -> list[CheckMessage]:
    return [
        Error(text, hint=hint, id=name)
        for wrong, name, text, hint in (
            (policies_unenforced(), "rbac.E401", "No middleware asks views for their policy.", "See apps.rbac."),
            (not asks_rbac(), "rbac.E402", "AUTHENTICATION_BACKENDS lacks RBACBackend.", "See apps.rbac."),
            (rivals(), "rbac.E402", f"Other backends answer for permissions: {rivals()}.", "Only RBACBackend may."),
            (not_asking(), "rbac.E403", f"The user model answers itself: {not_asking()}.", "Ask the backends instead."),
            (loose_guardian(), "rbac.E404", f"guardian needs other settings: {loose_guardian()}.", "See apps.rbac."),
            (bad_default_role(), "rbac.E405", "RBAC_DEFAULT_ROLE is no global role.", "Name one, or set it to ''."),
            (no_step_up(), "rbac.E406", "RBAC_STEP_UP names no function.", "Roles that require activation need one."),
        )
        if wrong
    ]


def no_step_up() -> bool:
    try:
        return any(map(registry.is_privileged, registry.roles)) and not callable(import_string(settings.RBAC_STEP_UP))
    except ImportError:
        return True


def policies_unenforced() -> bool:
    classes = [import_string(path) for path in settings.MIDDLEWARE]
    return not any(isinstance(each, type) and issubclass(each, PolicyMiddleware) for each in classes)


def asks_rbac() -> bool:
    return any(isinstance(load_backend(path), RBACBackend) for path in settings.AUTHENTICATION_BACKENDS)


def rivals() -> list[str]:
    """Backends that may say yes beside ours: ModelBackend does to superusers and reads a third store of rights."""
    backends = {path: load_backend(path) for path in settings.AUTHENTICATION_BACKENDS}
    return [path for path, each in backends.items() if not isinstance(each, RBACBackend) and may_say_yes(type(each))]


def may_say_yes(backend: type) -> bool:
    """Not if it answers no question at all, or by Django's own logic from sources that are empty."""
    if not hasattr(backend, "has_perm"):
        return False
    own_logic = backend.has_perm not in (BaseBackend.has_perm, ModelBackend.has_perm)
    return own_logic or any(getattr(backend, name) is not getattr(BaseBackend, name) for name in SOURCES)


def not_asking() -> list[str]:
    """Django's PermissionsMixin says yes to a superuser before any backend is asked, even for a misspelled name."""
    user_model = get_user_model()
    return [name for name in ASKED if getattr(user_model, name) is getattr(PermissionsMixin, name)]


def loose_guardian() -> list[str]:
    return [name for name, value in GUARDIAN.items() if getattr(settings, name, "unset") != value]


def bad_default_role() -> bool:
    slug = settings.RBAC_DEFAULT_ROLE
    return bool(slug) and not registry.is_given_for(slug, GLOBAL)


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
def assignments_fit_the_roles(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """What a declaration can't see: rows that it makes wrong. `migrate` asks too, and stops at an error."""
    alias = router.db_for_read(RoleAssignment)
    if alias not in (databases or ()) or not is_there(alias, RoleAssignment):
        return []
    return [
        *(
            Error(f"{len(people)} people break the SSD set {name!r}: `manage.py rbac plan` lists them.", id="rbac.E302")
            for name, people in constraints.offenders().items()
        ),
        *(
            Caution(f"The role {slug!r} is not declared; its {number} assignments grant nothing.", id="rbac.W303")
            for slug, number in left_behind().items()
        ),
    ]


def left_behind() -> dict[str, int]:
    """Assignments of roles that are gone from the code: to be revoked, or the role to be declared again."""
    rows = RoleAssignment.objects.unended().exclude(role__in=registry.roles)
    return dict(rows.values_list("role").annotate(number=Count("pk")).order_by("role"))
