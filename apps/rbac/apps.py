from typing import Any

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


def may_activate(user: Any) -> bool:
    from apps.rbac.activation import eligible_roles  # needs the app registry

    return bool(eligible_roles(user))


class RBACConfig(AppConfig):
    name = "apps.rbac"
    verbose_name = "RBAC"
    navigation = (("Access", "rbac:roles", "rbac.view_roleassignment"), ("Activate a role", "rbac:mine", may_activate))

    def ready(self) -> None:
        # Here and not above: all of these need the app registry.
        from apps.rbac import checks, receivers  # noqa: F401 - importing registers the checks

        autodiscover_modules("roles")
        receivers.connect(self)
