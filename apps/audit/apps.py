from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "apps.audit"
    verbose_name = "Audit log"
    navigation = (("Audit log", "audit:event_list", "audit.view_event"), ("My activity", "audit:my_activity", None))

    def ready(self) -> None:
        from apps.audit import actions, checks, signals, triggers  # noqa: F401 - checks registers itself

        actions.autodiscover()
        signals.connect()
        post_migrate.connect(triggers.install_after_migrate, sender=self, dispatch_uid="audit:triggers")
