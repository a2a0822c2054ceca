from django.db.models import QuerySet

from apps.audit.models import Event


def told() -> QuerySet[Event]:
    """The events of the test, oldest first; migrating and signing in have left theirs too."""
    return Event.objects.filter(action__startswith="testapp.").order_by("id")
