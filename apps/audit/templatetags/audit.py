from typing import Any

from django import template
from django.db.models import Model
from django.template import Context

from apps.audit.queries import of_target

register = template.Library()


@register.inclusion_tag("audit/_timeline.html", takes_context=True)
def audit_timeline(context: Context, target: Model, limit: int = 50) -> dict[str, Any]:
    """The history of an object, newest first, for a page of any app: `{% audit_timeline record limit=20 %}`."""
    events = list(of_target(target).order_by("-id")[:limit])
    kind, key = target._meta.label_lower, str(target.pk)
    return {"events": events, "limit": limit, "kind": kind, "key": key, "perms": context.get("perms")}
