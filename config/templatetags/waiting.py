"""Says a waiting time as people do, for the page of error 429."""

from django import template
from django.utils.translation import ngettext

register = template.Library()

SECONDS_BEST_SAID_AS_SECONDS = 90


@register.filter
def wait(seconds: int) -> str:
    """`30` → "30 seconds", `100` → "2 minutes". Rounded up, so that nobody comes back too early."""
    if seconds <= SECONDS_BEST_SAID_AS_SECONDS:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = -(-seconds // 60)
    return ngettext("%d minute", "%d minutes", minutes) % minutes
