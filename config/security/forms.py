"""The strict base of every form: what was not asked for is refused, not ignored."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NOT_FIELDS = {"csrfmiddlewaretoken"}
# Control characters (Unicode Cc, but for line breaks and tabs), and what reverses the direction of a text.
refuse_control_characters = RegexValidator(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
    gettext_lazy("Control characters are not allowed here."),
    code="control_character",
    inverse_match=True,
)
# For fields of one line: a browser would not have sent them.
refuse_line_breaks = RegexValidator(
    "[\t\n\r]", gettext_lazy("This has to stand in one line."), code="control_character", inverse_match=True
)


class StrictMixin:
    """Refuses unknown fields (mass assignment, ASVS 15.3.3), repeated ones (15.3.7) and control characters (2.2.1)."""

    data: Any
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # Browsers cut pasted text there and say nothing. The server tells, and keeps what was typed.
            field.widget.attrs.pop("maxlength", None)

    def full_clean(self) -> None:
        super().full_clean()  # type: ignore[misc] # the mixin stands before a form
        if self.is_bound:  # type: ignore[attr-defined] # likewise
            for problem in (*self.unknown_fields(), *self.repeated_fields()):
                self.add_error(None, problem)  # type: ignore[attr-defined] # likewise

    def unknown_fields(self) -> list[ValidationError]:
        known = set(NOT_FIELDS)
        for name, field in self.fields.items():
            known |= posted_names(self.add_prefix(name), field)  # type: ignore[attr-defined] # likewise
        unknown = sorted(set(self.data) - known)
        return [
            ValidationError(_("This form has no field “%(name)s”."), code="unknown_field", params={"name": name[:50]})
            for name in unknown[:5]
        ]

    def repeated_fields(self) -> list[ValidationError]:
        if not isinstance(self.data, QueryDict):
            return []
        return [
            ValidationError(_("“%(name)s” was sent more than once."), code="repeated_field", params={"name": name})
            for name, field in self.fields.items()
            if not isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
            and len(self.data.getlist(self.add_prefix(name))) > 1  # type: ignore[attr-defined] # likewise
        ]

    def _clean_fields(self) -> None:
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                needed = [refuse_control_characters]
                if not isinstance(field.widget, forms.Textarea):
                    needed.append(refuse_line_breaks)
                field.validators += [each for each in needed if each not in field.validators]
        super()._clean_fields()  # type: ignore[misc] # likewise


class StrictForm(StrictMixin, forms.Form):
    pass


class StrictModelForm[Model: models.Model](StrictMixin, forms.ModelForm):
    pass


def posted_names(name: str, field: forms.Field) -> set[str]:
    """The names under which a field's widget posts: a widget of several inputs numbers them."""
    if isinstance(field.widget, forms.MultiWidget):
        suffixes: list[str] = field.widget.widgets_names  # type: ignore[attr-defined] # not in the stubs
        return {name + suffix for suffix in suffixes}
    return {name}
