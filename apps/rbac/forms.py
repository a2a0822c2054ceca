"""To give a role, to take it back, and to ask why. What the guard refuses, the view says in the form."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.timesince import timesince

from apps.rbac import grants
from apps.rbac.roles import registry

REASON = forms.CharField(max_length=500, help_text="It stays in the audit log, with your name.")


def role_choices() -> list[tuple[str, str]]:
    roles = sorted(registry.roles.items())
    return [(slug, f"{role.label} (on one {role.scope})" if role.scope else role.label) for slug, role in roles]


class Place(forms.CharField):
    """An object by its scope key."""

    def clean(self, value: Any) -> models.Model | None:
        try:
            return grants.at(text) if (text := super().clean(value)) else None
        except LookupError as error:
            raise ValidationError("There is no such object. Write app.model:id.") from error


class Person(forms.CharField):
    """A user by address or key."""

    widget = forms.TextInput({"autocomplete": "off"})

    def clean(self, value: Any) -> Any:
        if (user := grants.somebody(super().clean(value))) is None:
            raise ValidationError("Nobody here has this address. Check the spelling.")
        return user


class Holder(Person):
    """A user, or a group by its name."""

    def clean(self, value: Any) -> Any:
        return Group.objects.filter(name=forms.CharField.clean(self, value)).first() or super().clean(value)


class SearchForm(forms.Form):
    q = forms.CharField(label="Find a person by address", required=False, max_length=254)


class ExplainForm(forms.Form):
    person = Person(help_text="An email address.")
    permission = forms.CharField(help_text="Such as records.view_record.", widget=forms.TextInput({"list": "known"}))
    object = Place(required=False, help_text="app.model:id. Leave it out to ask about everything.")


class ActivateForm(forms.Form):
    role = forms.ChoiceField()
    reason = REASON
    duration = forms.TypedChoiceField(
        label="For",
        choices=(("15", "15 minutes"), ("60", "an hour"), ("240", "four hours"), ("480", "eight hours")),
        coerce=lambda minutes: timedelta(minutes=int(minutes)),
    )

    def __init__(self, data: Any, roles: Collection[str]) -> None:
        super().__init__(data)
        self.fields["reason"].required = any(map(registry.is_privileged, roles))
        self.fields["role"] = forms.ChoiceField(choices=[(slug, registry.label(slug)) for slug in sorted(roles)])
        duration: Any = self.fields["duration"]
        now = timezone.now()
        limits = {slug: most for slug in sorted(roles) if (most := registry.shortest(slug, "max_activation"))}
        told = [f"At most {timesince(now - most, now)} as {registry.label(slug)}." for slug, most in limits.items()]
        duration.help_text = " ".join([*told, "It ends earlier when you sign out, or drop it."])
        if limits.keys() == set(roles):
            # The first choice stays, however low the limit: the activation then ends with the limit.
            longest = max(limits.values(), default=timedelta())
            first, *others = duration.choices
            duration.choices = [first, *(each for each in others if timedelta(minutes=int(each[0])) <= longest)]


class RevokeForm(forms.Form):
    reason = REASON


class GiveForm(forms.Form):
    to = Holder(label="Person or group", help_text="An email address, or the name of a group.")
    role = forms.ChoiceField(choices=role_choices)
    scope = Place(required=False, label="On which object", help_text="app.model:id, for a role that is given on one.")
    expires_at = forms.DateTimeField(
        label="Until",
        required=False,
        validators=[MinValueValidator(timezone.now, "This has passed already.")],
        help_text="Leave it out to give the role until somebody takes it back.",
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Write a day and a time, such as 2026-03-01T12:00."},
    )
    reason = REASON
