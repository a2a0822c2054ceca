"""Django's admin by rbac's rules: one site, which a permission opens, and the base of what is registered there.

    @admin.register(Document)
    class DocumentAdmin(RBACModelAdmin):
        list_display = ("title", "folder")

Put "config.admin.AdminConfig" (whose `default_site` is `RBACAdminSite`) in INSTALLED_APPS and include `admin.site.urls`
by `policies.policy_include`, for the permission "rbac.use_admin". The flag `is_staff` opens nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.admin import ActionLocation, AdminSite, ModelAdmin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.views.decorators.csp import csp_override

from apps.rbac import decisions, protection, signals
from apps.rbac.errors import AccessRefused, GrantRefused

USE = "rbac.use_admin"
# The admin's jQuery assigns HTML. All else that the site's policy says holds here too.
TRUSTED_TYPES = {"require-trusted-types-for", "trusted-types"}
# One way to sign in and out and to change a password, with its lock-out and second factor; no way round the gates.
NOT_HERE = {"logout", "password_change", "password_change_done", "view_on_site"}


class RBACModelAdmin(ModelAdmin):
    """What a person sees and does here is what the decisions say about each object, and of that what `offers` names."""

    offers: ClassVar[frozenset[str]] = frozenset({"add", "change", "delete", "view"})

    def __init_subclass__(cls) -> None:
        """Raises ImproperlyConfigured for `list_editable`: Django saves such rows without asking about each."""
        if cls.list_editable:
            raise ImproperlyConfigured(f"{cls.__name__} can't have list_editable. Write an action, which asks.")

    def may(self, request: HttpRequest, action: str, obj: models.Model | None) -> bool:
        """Without an object: everywhere, or on any that there is."""
        name = protection.permission_of(self.model, action)
        if action not in self.offers or name not in protection.known_permissions():
            return False
        if obj is not None or decisions.check(request.user, name):
            return decisions.check(request.user, name, obj)
        return action != "add" and decisions.scoped(self.model._default_manager.all(), request.user, name).exists()

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "view", obj) or self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) or self.has_add_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        name = protection.permission_of(self.model, "view")
        return decisions.scoped(super().get_queryset(request), request.user, name)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        obj = super().get_object(request, object_id, from_field)
        if obj is None:
            decisions.refuse(protection.permission_of(self.model, "view"), None, "There is no such object.")
        return obj

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """By what the list shows or filters by: by `password__startswith` a hash is told letter by letter."""
        filters = [each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)]
        shown = {self.model._meta.pk.name, self.date_hierarchy, *self.get_list_display(request), *filters}
        hidden = {n for each in self.model._meta.fields if each.name not in shown for n in (each.name, each.attname)}
        return lookup.partition("__")[0] not in hidden and super().lookup_allowed(lookup, value, request)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """A field that the person's form has not, posted all the same, is no slip: all of it is refused."""
        fields = {each.name for each in self.model._meta.get_fields()}
        if forged := fields & request.POST.keys() - form.fields.keys():
            name = protection.permission_of(self.model, "change" if change else "add")
            reason = f"Not in the form of this person: {', '.join(sorted(forged))}."
            decisions.refuse(name, form.instance if change else None, reason)
            raise AccessRefused(reason, ())
        return super().save_form(request, form, change)

    def get_field_queryset(self, db: Any, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """What a person may choose for a relation: what he may view."""
        model = db_field.remote_field.model
        name = protection.permission_of(model, "view")
        ordered: QuerySet[Any] | None = super().get_field_queryset(db, db_field, request)
        rows = model._default_manager.all() if ordered is None else ordered
        return decisions.scoped(rows, request.user, name) if name in protection.known_permissions() else rows.none()

    def get_actions(self, request: HttpRequest, action_location: Any = ActionLocation.CHANGE_LIST) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request, action_location=action_location)
        return {name: replace(action, func=held_to_each(action.func)) for name, action in found.items()}

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        tell(obj, "added", message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        tell(obj, "changed", message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            tell(obj, "deleted", [])
        return super().log_deletions(request, queryset)


def held_to_each(action: Callable[..., Any]) -> Callable[..., Any]:
    """An action on many asks for its permissions (as `@admin.action` names them; none: "change") on each of them.

    Django itself leaves out what was chosen and may not be seen, and does the rest.
    """

    @wraps(action)
    def run(model_admin: RBACModelAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        objects = list(queryset)
        if set(request.POST.getlist(ACTION_CHECKBOX_NAME)) - {str(obj.pk) for obj in objects}:
            raise PermissionDenied("Not all of what you chose is there.")
        for wanted in getattr(action, "allowed_permissions", ("change",)):
            name = protection.permission_of(model_admin.model, wanted)
            decisions.check_many(request.user, name, objects)
            for obj in objects:  # which is remembered
                decisions.require(request.user, name, obj)
        return action(model_admin, request, queryset)

    return run


def telling(view: Callable[..., Any]) -> Callable[..., Any]:
    """What the admin refuses by itself is told as well."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except (PermissionDenied, DisallowedModelAdminLookup) as refused:
            if not isinstance(refused, AccessRefused | GrantRefused):
                decisions.refuse(USE, None, f"{request.method} {request.path}: {str(refused) or 'not allowed here.'}")
            raise

    return run


def tell(obj: models.Model, step: str, message: Any) -> None:
    """By the names of fields alone: values are for the log of tracked models, which knows what is secret."""
    parts: Iterable[Any] = message if isinstance(message, list) else []
    fields = sorted({name for part in parts for each in part.values() for name in each.get("fields", ())})
    signals.tell(signals.admin_edited, target=obj, step=step, fields=fields)


class RBACAdminSite(AdminSite):
    final_catch_all_view = False
    site_header = site_title = settings.SITE_NAME

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Classes that do not ask rbac stay out: Django's, allauth's and axes' know no objects and no guard."""
        if admin_class is None or issubclass(admin_class, RBACModelAdmin):
            super().register(model_or_iterable, admin_class or RBACModelAdmin, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return decisions.check(request.user, USE)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        policy: Any = {name: value for name, value in settings.SECURE_CSP.items() if name not in TRUSTED_TYPES}
        return csp_override(policy)(telling(super().admin_view(view, cacheable)))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The policy of the include sends everybody to the site's own sign-in page first."""
        return redirect(f"{self.name}:index")

    def get_urls(self) -> list[Any]:
        found = [each for each in super().get_urls() if getattr(each, "name", None) not in NOT_HERE]
        for pattern in found:
            if isinstance(pattern, URLPattern):  # LoginRequiredMiddleware would send people to `login` above
                vars(pattern.callback).pop("login_url", None)
        return found
