"""Forms by permission: who may see and change which field, and among which rows one may choose (ASVS 8.2.3, 8.2.2).

    class DocumentForm(PermittedFormMixin, StrictModelForm[Document]):
        field_policies = {"title": FieldPolicy(change="documents.retitle"), "grade": FieldPolicy(see="documents.grade")}
        folder = ScopedChoiceField(Folder.objects.all(), permission="documents.view_folder")

    DocumentForm(request.POST or None, instance=document, user=request.user)

Who may not see a field has a form without it, who may not change it finds it disabled. A post of it all the same is an
error of the form, and told.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.rbac import decisions


@dataclass(frozen=True)
class FieldPolicy:
    """Names of permissions on the form's object; one that is left out asks for nothing more than the form does."""

    see: str | None = None
    change: str | None = None


class PermittedFormMixin(forms.ModelForm):
    """First of the bases of a ModelForm."""

    field_policies: ClassVar[dict[str, FieldPolicy]] = {}

    def __init__(self, *args: Any, user: decisions.AnyUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.withheld = user, dict[str, str]()
        for name, policy in self.field_policies.items():
            if not self.holds(policy.see):
                self.withheld[name] = str(policy.see)
                self.fields.pop(name, None)
            elif not self.holds(policy.change):
                self.withheld[name] = str(policy.change)
                if name in self.fields:
                    self.fields[name].disabled = True  # Django then takes the stored value, whatever is posted
        for field in self.fields.values():
            if isinstance(field, ScopedChoiceField):
                field.offer_to(user)

    def holds(self, permission: str | None) -> bool:
        return permission is None or decisions.check(self.user, permission, self.instance)

    def full_clean(self) -> None:
        super().full_clean()
        for name, permission in self.withheld.items():
            if self.is_bound and self.add_prefix(name) in self.data:
                decisions.refuse(permission, self.instance, f"The field {name} was posted by who may not change it.")
                problem = ValidationError(_("You may not change “%(name)s”."), "withheld_field", {"name": name})
                self.add_error(None, problem)


class ScopedChoiceField(forms.ModelChoiceField):
    """Offers and accepts only rows on which the user of its form holds `permission`; none before there is a user."""

    def __init__(self, queryset: QuerySet[Any], *, permission: str, **kwargs: Any) -> None:
        self.permission, self.all_rows = permission, queryset
        super().__init__(queryset.none(), **kwargs)

    def offer_to(self, user: decisions.AnyUser) -> None:
        self.queryset = decisions.scoped(self.all_rows, user, self.permission)

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError as problem:
            if problem.code in {"invalid_choice", "invalid_pk_value"}:
                decisions.refuse(self.permission, None, "A row was chosen that was not offered.")
            raise


class ScopedMultipleChoiceField(ScopedChoiceField, forms.ModelMultipleChoiceField):
    """As ScopedChoiceField, of several rows."""
