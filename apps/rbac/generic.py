"""Django's generic views, held to policies: their object comes through the gate, their list holds what one may see.

    class Edit(ObjectView, UpdateView):
        model, policy = Document, perm("documents.change_document", on="pk")

    class Documents(ScopedListView, ListView):
        model, policy = Document, login()

For CreateView and whatever else has no object `PolicyView` is enough.
"""

from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.views.generic.detail import SingleObjectMixin
from django.views.generic.list import MultipleObjectMixin

from apps.rbac import decisions, protection
from apps.rbac.gates import access_or_404
from apps.rbac.policies import Perm, PolicyView


class ObjectView(SingleObjectMixin, PolicyView):
    """First of the bases of DetailView, UpdateView, DeleteView."""

    def get_object(self, queryset: QuerySet[Any] | None = None) -> Any:
        """Raises Http404 and PermissionDenied as the gate does, ImproperlyConfigured if the policy names no object."""
        rule = self.policy.by_method(self.request.method)
        if not (isinstance(rule, Perm) and rule.on):
            raise ImproperlyConfigured(f"{type(self).__name__} needs a policy on one object: perm(…, on='pk').")
        source = self.get_queryset() if queryset is None else queryset
        return access_or_404(self.request, source, self.kwargs[rule.on], rule.permission)


class ScopedListView(MultipleObjectMixin, PolicyView):
    """First of the bases of ListView."""

    permission: ClassVar[str] = "view"

    def get_queryset(self) -> Any:
        listed = super().get_queryset()
        return decisions.scoped(listed, self.request.user, protection.permission_of(listed.model, self.permission))
