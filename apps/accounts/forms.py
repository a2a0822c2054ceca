"""allauth's forms with three amendments: bounded input, no placeholders, and no tell-tale time on sign-up."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField, PasswordField
from django.contrib.auth.hashers import make_password
from django.core.validators import MaxLengthValidator
from django.forms import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts import signals
from apps.accounts.models import User
from apps.accounts.validators import LONGEST_PASSWORD
from config.security.forms import StrictModelForm

LONGEST_EMAIL = 254  # RFC 5321, and both tables' columns

too_long_password = MaxLengthValidator(LONGEST_PASSWORD, _("It may have at most %(limit_value)d characters."))
too_long_email = MaxLengthValidator(LONGEST_EMAIL, _("An email address has at most %(limit_value)d characters."))


class Bounded:
    """Refuses a long password before it is hashed, and a long address before allauth would cut it short.

    Set as validators and not as the widget's `maxlength`, with which browsers silently cut what is pasted.
    """

    fields: dict[str, Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)  # the label says it already, and stays while one types
            if isinstance(field, PasswordField):
                field.validators.append(too_long_password)
            if isinstance(field, EmailField):
                field.validators.append(too_long_email)


class AddEmailForm(Bounded, allauth.AddEmailForm): ...


class ChangePasswordForm(Bounded, allauth.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        """Counted like a sign-in, as on re-authentication: a stolen session must not become a way to guess."""
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class ConfirmEmailVerificationCodeForm(Bounded, allauth.ConfirmEmailVerificationCodeForm): ...


class LoginForm(Bounded, allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""  # the page has the link to reset it, below the button


class ReauthenticateForm(Bounded, allauth.ReauthenticateForm): ...


class ResetPasswordForm(Bounded, allauth.ResetPasswordForm):
    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = str(super().save(request, **kwargs))
        signals.tell(
            signals.password_reset_requested,
            target=next(iter(self.users), None),
            outcome="success" if self.users else "failure",
            reason="" if self.users else "no account has this address",
            details={"email": email},
        )
        return email


class ResetPasswordKeyForm(Bounded, allauth.ResetPasswordKeyForm): ...


class SetPasswordForm(Bounded, allauth.SetPasswordForm): ...


class SignupForm(Bounded, allauth.SignupForm):
    def try_save(self, request: HttpRequest) -> Any:
        """As allauth's, at the same price for a taken address, which it answers without hashing (ASVS 6.3.8)."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class ProfileForm(StrictModelForm[User]):
    class Meta:
        model = User
        fields = ("name",)
