from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.db.models.signals import post_migrate


class ProjectConfig(AppConfig):
    """The project as an app: it holds checks and commands that belong to no other app."""

    name = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from apps.encryption import inventory  # needs the models
        from config import audit_adapters, database_roles, metrics  # noqa: F401 - they connect receivers, which need the app registry
        from config.security import checks  # noqa: F401 - registers the hardening checks
        from config.security.redaction import encrypted_names

        encrypted_names.update(inventory.encrypted_names())
        having_models = apps.get_app_config("audit")  # Django sends the signal for no other kind of app
        post_migrate.connect(database_roles.apply_after_migrate, sender=having_models, dispatch_uid="database_roles")


class AdminConfig(DjangoAdminConfig):
    """`admin.site`, at which everybody registers, is the one that asks rbac."""

    navigation = (("Administration", "admin:index", "rbac.use_admin"),)
    default_site = "apps.rbac.admin_site.RBACAdminSite"
