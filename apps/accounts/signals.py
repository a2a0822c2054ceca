"""Security events of accounts which are not already a signal of Django, allauth or axes.

Each is sent with those of `target, outcome, changes, reason, details` that say something; `config.settings.wiring`
names the action it becomes.
"""

from django.dispatch import Signal

password_reset_requested = Signal()
profile_changed = Signal()
rate_exceeded = Signal()
sign_in_throttled = Signal()
