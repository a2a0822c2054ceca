from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def signup_is_open() -> bool:
    """Whether a stranger who opens the sign-up page finds a form there, so that links to it can be left out."""
    return bool(settings.ACCOUNT_SIGNUP == "open")
