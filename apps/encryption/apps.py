from django.apps import AppConfig
from django.core.signals import request_started


class EncryptionConfig(AppConfig):
    name = "apps.encryption"
    verbose_name = "Encryption"

    def ready(self) -> None:
        # They need the app registry.
        from apps.encryption import checks, file_lifecycle, serialization, sources

        checks.register()
        file_lifecycle.watch()
        serialization.register()
        request_started.connect(sources.serve)
