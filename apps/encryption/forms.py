"""Forms that change a masked value without showing it."""

from typing import Any

from django import forms
from django.db import models

from apps.encryption.fields import Encrypted
from apps.encryption.masks import masked


class MaskedFormMixin:
    """Of a ModelForm: a field that is declared with `reveal=` starts empty, and left empty it keeps its value.

    Else the form would show in full, and unrecorded, what the page beside it masks.
    """

    fields: dict[str, forms.Field]
    initial: Any
    instance: Any
    cleaned_data: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept: dict[str, str] = {} if self.instance._state.adding else masks_of(self.instance, self.fields)
        for name, mask in self.kept.items():
            if mask:
                self.initial[name] = None
                self.fields[name].required = False
                self.fields[name].help_text = f"Leave this empty to keep {mask}."

    def clean(self) -> Any:
        for name, mask in self.kept.items():
            if mask and self.cleaned_data.get(name) in self.fields[name].empty_values:
                self.cleaned_data.pop(name, None)  # so the instance is not told, and its cell stays
        return super().clean()  # type: ignore[misc]  # the mixin stands before a ModelForm


def masks_of(instance: models.Model, names: dict[str, forms.Field]) -> dict[str, str]:
    """What stands in for each value that is shown only by `reveal`; empty for one that has no value yet."""
    fields = [field for field in instance._meta.fields if isinstance(field, Encrypted) and field.name in names]
    return {field.name: masked(instance, field.name) for field in fields if field.reveal}
