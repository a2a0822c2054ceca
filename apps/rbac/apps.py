from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class RBACConfig(AppConfig):
    name = "apps.rbac"
    verbose_name = "RBAC"
    navigation = (("Access", "rbac:roles", "rbac.view_roleassignment"),)

    def ready(self) -> None:
        # Here and not above: all of these need the app registry.
        from apps.rbac import checks, receivers, url_checks  # noqa: F401 - importing registers the checks

        autodiscover_modules("roles")
        receivers.connect(self)
