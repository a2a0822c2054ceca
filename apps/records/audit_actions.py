"""What happens to records besides changes and looks, which the model's `Audit` names. Sharing is told by rbac."""

from apps.audit.actions import Action, Category, register

register(Action("records.record.searched", "{actor} searched by national ID and found {details.found}", Category.DATA))
