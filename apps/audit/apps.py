from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "apps.audit"
    verbose_name = "Audit log"
    navigation = (("Audit log", "audit:event_list", "audit.view_event"), ("My activity", "audit:my_activity", None))

    def ready(self) -> None:
        from apps.audit import actions, changes, checks, outside, querysets, signals, triggers  # noqa: F401 - they register themselves
        from apps.audit.exports import stream
        from apps.audit.live import committed

        actions.autodiscover()
        changes.watch()
        querysets.watch_base_managers()
        signals.connect()
        committed.connect(stream)
        post_migrate.connect(triggers.install_after_migrate, sender=self, dispatch_uid="audit:triggers")
        post_migrate.connect(outside.install, sender=self, dispatch_uid="audit:outside")
