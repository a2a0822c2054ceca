"""Django's admin, for models with encrypted fields: it shows their masks, and does not offer to sort by them.

    @admin.register(Patient)
    class PatientAdmin(SealedAdminMixin, admin.ModelAdmin):
        list_display = ("name", "national_id")

A field that is declared with `reveal=` is not shown in full by its form either (forms.MaskedFormMixin). Without the
mixin the admin would show all of it: encryption.E011. Nothing here imports the admin, which the kit does without.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms

from apps.encryption.fields import Encrypted
from apps.encryption.forms import MaskedFormMixin
from apps.encryption.inventory import encrypted_fields
from apps.encryption.masks import shown

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Admin = ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
else:
    Admin, ModelForm = object, forms.ModelForm


class MaskedModelForm(MaskedFormMixin, ModelForm):
    pass


class SealedAdminMixin(Admin):
    """Of a ModelAdmin. A `form` of its own takes MaskedFormMixin as well."""

    form = MaskedModelForm

    def get_list_display(self, request: Any) -> list[Any]:
        return self._masks(super().get_list_display(request))

    def get_list_display_links(self, request: Any, list_display: Any) -> list[Any]:
        return self._masks(super().get_list_display_links(request, list_display) or ())

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[Any]:
        return self._masks(super().get_readonly_fields(request, obj))

    def get_fieldsets(self, request: Any, obj: Any = None) -> list[Any]:
        """Who may only view is shown each field as text: that of its mask."""
        edits = obj is None or self.has_change_permission(request, obj)
        fixed = {getattr(name, "__name__", name) for name in self.get_readonly_fields(request, obj)}
        sets = super().get_fieldsets(request, obj)
        return [
            (title, {**each, "fields": self._masks(each["fields"], fixed if edits else None)}) for title, each in sets
        ]

    def _masks(self, names: Iterable[Any], only: Any = None) -> list[Any]:
        """A column of masks in place of each encrypted field, or of those named `only`. Names may stand in rows."""
        sealed = encrypted_fields(self.model)
        return [
            self._masks(name, only)
            if isinstance(name, list | tuple)
            else Masks(sealed[name])
            if name in sealed and (only is None or name in only)
            else name
            for name in names
        ]


@dataclass(frozen=True)
class Masks:
    """A column of the admin. It has no `admin_order_field`, so nobody can sort by it."""

    field: Encrypted

    @property
    def __name__(self) -> str:
        return self.field.name

    @property
    def short_description(self) -> Any:
        return self.field.verbose_name

    def __call__(self, instance: Any) -> str:
        return shown(instance, self.field.name)
