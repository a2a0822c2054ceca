"""The security events of config itself. Arguments as everywhere: target, outcome, changes, reason, details."""

from django.dispatch import Signal

request_refused = Signal()
