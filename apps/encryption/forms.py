"""Forms that change a masked value without showing it."""

from typing import Any

from django import forms

from apps.encryption.inventory import encrypted_fields
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
        revealed = [] if self.instance._state.adding else encrypted_fields(type(self.instance)).values()
        names = [field.name for field in revealed if field.reveal and field.name in self.fields]
        self.kept = {name: mask for name in names if (mask := masked(self.instance, name))}  # empty: there is no value
        for name, mask in self.kept.items():
            self.initial[name] = None
            self.fields[name].required = False
            self.fields[name].help_text = f"Leave this empty to keep {mask}."

    def clean(self) -> Any:
        for name in self.kept:
            if self.cleaned_data.get(name) in self.fields[name].empty_values:
                self.cleaned_data.pop(name, None)  # so the instance is not told, and its cell stays
        return super().clean()  # type: ignore[misc]  # the mixin stands before a ModelForm
