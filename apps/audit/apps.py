from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    name = "apps.audit"
    verbose_name = "Audit log"
    navigation = (("Audit log", "audit:event_list", "audit.view_event"), ("My activity", "audit:my_activity", None))

    def ready(self) -> None:
        from apps.audit import changes, checks, outside, querysets, signals, triggers  # noqa: F401 - they register themselves
        from apps.audit.exports import stream
        from apps.audit.live import committed

        autodiscover_modules("audit_actions")
        changes.watch()
        querysets.watch_base_managers()
        signals.connect()
        committed.connect(stream)
        post_migrate.connect(triggers.install, sender=self, dispatch_uid="audit:triggers")
        post_migrate.connect(outside.install, sender=self, dispatch_uid="audit:outside")
