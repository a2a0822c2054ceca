from typing import ClassVar

from django import forms
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.encryption.forms import MaskedFormMixin
from apps.encryption.reveal import LONGEST_REASON
from apps.records.access import GIVES
from apps.records.models import Record, has_digits
from config.security.forms import StrictForm, StrictModelForm


class RecordForm(MaskedFormMixin, StrictModelForm[Record]):
    class Meta:
        model = Record
        fields: ClassVar = ["title", "subject_name", "national_id", "notes"]
        widgets: ClassVar = {
            # A shared computer's browser must not offer one person's data while another's is typed.
            "subject_name": forms.TextInput({"autocomplete": "off"}),
            "national_id": forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
            "notes": forms.Textarea({"rows": 6}),
        }


class FindForm(StrictForm):
    national_id = forms.CharField(
        label="Find by national ID",
        max_length=32,
        validators=[has_digits],
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "numeric"}),
        help_text="The whole number; spaces and dashes do not matter.",
    )


class RevealForm(StrictForm):
    reason = forms.CharField(
        label="Why you need it",
        max_length=LONGEST_REASON,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="It stays in the history of the record, with your name.",
    )


class ShareForm(StrictForm):
    email = forms.EmailField(label="Email of your colleague", widget=forms.EmailInput({"autocomplete": "off"}))
    access = forms.ChoiceField(label="What they may do", choices=[(each, each) for each in GIVES])

    def clean_email(self) -> User:
        """The colleague with this address. An unknown one is told plainly: in one organization it is no secret who has
        an account, sharing with a misspelled address in silence would be worse, and only who may share can ask."""
        others = User.objects.filter(is_active=True).exclude(pk=self.initial["owner"].pk)
        colleague = others.filter(email=User.objects.normalize_email(self.cleaned_data["email"])).first()
        if colleague is None:
            raise ValidationError("Nobody else with this address can sign in here. Check the spelling.")
        return colleague
