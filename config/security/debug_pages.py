"""What a debug page and an error report show: where it failed, never with which values (ASVS 16.2.5).

Django hides what is marked as sensitive, and only while DEBUG is off. But a decrypted value has any name: `name`,
`value`, an item of `cleaned_data`, somewhere in a frame of Django's. So of each variable only its kind is shown.
Who develops with made-up data and wants the values sets DEFAULT_EXCEPTION_REPORTER_FILTER back to Django's own.
"""

from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

SIZED = (bytes, dict, frozenset, list, set, str, tuple)
HARMLESS = (bool, type, type(None))


class KindsOnlyFilter(SafeExceptionReporterFilter):
    def is_active(self, request: HttpRequest | None) -> bool:
        """With DEBUG too."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """The names that were posted. What was typed into a form is as secret as what it is stored as."""
        return {} if request is None else dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, kind(value)) for name, value in tb_frame.f_locals.items()]


def kind(value: Any) -> Any:
    """A value that tells nothing as it is; of any other its type, without asking the value for its repr."""
    if isinstance(value, HARMLESS):
        return value
    size = f" of {len(value)}" if type(value) in SIZED else ""
    return f"<{type(value).__name__}{size}>"
