from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project as an app: it holds checks and commands that belong to no other app."""

    name = "config"
    verbose_name = "Project"

    def ready(self) -> None:
        from apps.encryption.names import encrypted_field_names  # needs the models
        from config import audit_adapters, metrics  # noqa: F401 - they connect receivers, which need the app registry
        from config.security import checks  # noqa: F401 - registers the hardening checks
        from config.security.redaction import encrypted_names

        encrypted_names.update(encrypted_field_names())
