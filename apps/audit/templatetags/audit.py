from typing import Any

from django import template
from django.db.models import Model

from apps.audit.queries import of_target

register = template.Library()


@register.inclusion_tag("audit/_timeline.html")
def audit_timeline(target: Model, limit: int = 50) -> dict[str, Any]:
    """The history of an object, newest first, for a page of any app: `{% audit_timeline record limit=20 %}`."""
    return {"events": list(of_target(target).order_by("-id")[:limit]), "limit": limit}
