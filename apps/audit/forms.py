"""The filters of the audit page. Times are in the time zone of the page."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from apps.audit.actions import Outcome, registered
from apps.audit.canonical import EPOCH

END = datetime(9999, 1, 1, tzinfo=UTC)  # west of Greenwich, the last hours of 9999 have no form in UTC
TARGET = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+(?::.+)?")


def actions() -> list[tuple[str, str]]:
    return [("", "Anything"), *((name, name) for name in registered())]


class Moment(forms.DateTimeField):
    default_error_messages: ClassVar = {"invalid": "Write a day and a time, such as 2026-03-01T12:00."}
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class Cursor(forms.Form):
    """Where the page begins: below the last event of the one before."""

    before = forms.UUIDField(required=False, widget=forms.HiddenInput)


class EventFilter(Cursor):
    since = Moment(label="From", required=False)
    until = Moment(label="Until", required=False)
    actor = forms.CharField(
        label="Who", required=False, max_length=254, help_text="An email address, or system:migrate."
    )
    action = forms.ChoiceField(label="What", required=False, choices=actions)
    outcome = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((each.value, each.value.capitalize()) for each in Outcome)]
    )
    target = forms.CharField(
        label="On what", required=False, max_length=200, help_text="app.model, or app.model:id for one object."
    )

    def clean_target(self) -> str:
        target: str = self.cleaned_data["target"].strip()
        if target and not TARGET.fullmatch(target):
            raise ValidationError("Write app.model or app.model:id, such as accounts.user.")
        return target

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        for name, when in (("since", since), ("until", until)):
            if when and not EPOCH <= when < END:
                self.add_error(name, "The log knows no time before 1970, and none after 9998.")
        if since and until and until <= since:
            self.add_error("until", "This must be later than “From”.")
        return self.cleaned_data

    def filled(self) -> dict[str, Any]:
        """The filters in use, as the log keeps them."""
        return {name: value for name, value in self.cleaned_data.items() if value}
