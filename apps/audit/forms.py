"""The filters of the audit pages. Times are in the time zone of the page."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.audit.actions import Category, Outcome, Severity, registered
from apps.audit.canonical import EPOCH
from apps.audit.queries import WINDOW, person

END = datetime(9999, 1, 1, tzinfo=UTC)  # west of Greenwich, the last hours of 9999 have no form in UTC
TARGET = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+(?::.+)?")
PERIODS = {"day": "Last 24 hours", "week": "Last 7 days", "days": "Last 31 days", "month": "Last calendar month"}
LENGTHS = {"day": timedelta(days=1), "week": timedelta(days=7), "days": WINDOW}


def actions() -> list[tuple[str, str]]:
    return [("", "Anything"), *((name, name) for name in registered())]


def words(vocabulary: Any) -> list[tuple[str, str]]:
    return [("", "Any"), *((each.value, each.value.capitalize()) for each in vocabulary)]


class Moment(forms.DateTimeField):
    default_error_messages: ClassVar = {"invalid": "Write a day and a time, such as 2026-03-01T12:00."}
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class Cursor(forms.Form):
    """Where the page begins: below the last event of the one before."""

    before = forms.UUIDField(required=False, widget=forms.HiddenInput)


class Below(forms.Form):
    """Where a list of checkpoints begins: below this size."""

    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)


class Period(Cursor):
    """A time range: a usual one, or from and until."""

    period = forms.ChoiceField(label="When", required=False, choices=[("", "Any time"), *PERIODS.items()])
    since = Moment(label="From", required=False)
    until = Moment(label="Until", required=False)

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        for name, when in (("since", since), ("until", until)):
            if when and not EPOCH <= when < END:
                self.add_error(name, "The log knows no time before 1970, and none after 9998.")
        if since and until and until <= since:
            self.add_error("until", "This must be later than “From”.")
        if not (since or until) and (period := self.cleaned_data.get("period")):
            self.cleaned_data |= dict(zip(("since", "until"), range_of(period), strict=True))
        return self.cleaned_data

    def filled(self) -> dict[str, Any]:
        """The filters in use as they were chosen, for the log to keep. Turning the page is no other look."""
        return {
            name: self.cleaned_data[name]
            for name in self.fields
            if name != "before" and self.data.get(name) and self.cleaned_data.get(name)
        }


class EventFilter(Period):
    actor = forms.CharField(
        label="Who", required=False, max_length=254, help_text="An email address, anonymous, system:migrate, user:ID."
    )
    action = forms.ChoiceField(label="What", required=False, choices=actions)
    category = forms.ChoiceField(label="Kind of action", required=False, choices=words(Category))
    severity = forms.ChoiceField(required=False, choices=words(Severity))
    outcome = forms.ChoiceField(required=False, choices=words(Outcome))
    target = forms.CharField(
        label="On what", required=False, max_length=200, help_text="app.model, or app.model:id for one object."
    )
    address = forms.GenericIPAddressField(label="From which address", required=False)
    request = forms.RegexField(
        r"^[0-9a-f]{32}$",
        label="In which request",
        required=False,
        help_text="The id that error pages and log lines show.",
        error_messages={"invalid": "Write the id of a request: 32 hexadecimal digits."},
    )
    narrowed: str = ""  # what was read only in the newest WINDOW, since nobody chose a time

    def clean_target(self) -> str:
        target: str = self.cleaned_data["target"].strip()
        if target and not TARGET.fullmatch(target):
            raise ValidationError("Write app.model or app.model:id, such as accounts.user.")
        return target

    def clean(self) -> dict[str, Any]:
        super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until") or timezone.now()
        slow = ", ".join(self.without_index())
        if slow and since is None:
            self.narrowed, self.cleaned_data["since"] = slow, max(until - WINDOW, EPOCH)
        elif slow and since and until - since > WINDOW:
            self.add_error("since", f"By {slow} the log is read through: choose at most {WINDOW.days} days.")
        return self.cleaned_data

    def without_index(self) -> list[str]:
        """The filters in use that no index serves, in words."""
        given = self.cleaned_data
        actor, target = given.get("actor"), given.get("target")
        return [
            *(name for name in ("outcome", "address", "request") if given.get(name)),
            *(["the name of somebody without an account"] if actor and person(actor) is None else []),
            *(["a kind of object"] if target and ":" not in target else []),
        ]


def range_of(period: str) -> tuple[datetime, datetime]:
    """A usual period, up to now or to the end of the last calendar month."""
    now = timezone.localtime()
    if period in LENGTHS:
        return now - LENGTHS[period], now
    end = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (end - timedelta(days=1)).replace(day=1), end
