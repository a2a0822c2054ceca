from django.apps import AppConfig
from django.core.signals import request_started, setting_changed


class EncryptionConfig(AppConfig):
    name = "apps.encryption"
    verbose_name = "Encryption"

    def ready(self) -> None:
        # They need the app registry.
        from apps.encryption import checks, file_lifecycle, rings, serialization, sources, usage_checks

        checks.register()
        usage_checks.register()
        file_lifecycle.watch()
        serialization.register()
        setting_changed.connect(rings.forget_on_change)
        request_started.connect(sources.serve)
