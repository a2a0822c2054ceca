"""A masked value in full, for whoever holds the field's permission and says why; the signals put it on record.

record.national_id = Encrypted(models.CharField(...), mask=last4, reveal="records.reveal_national_id")
reveal(record, "national_id", to=request.user, reason="The court asks for it.")
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.views.decorators.debug import sensitive_variables

from apps.encryption.masks import sealed_field_of
from apps.encryption.signals import reveal_refused, revealed

LONGEST_REASON = 200  # characters


@sensitive_variables("value")
def reveal(instance: models.Model, name: str, *, to: Any, reason: str) -> Any:
    """The value of the encrypted field `name` for the user `to`, which is told by `revealed` before it is given.

    Raises TypeError if the field is not encrypted or declares no `reveal=`, ValueError without a reason (at most 200
    characters), PermissionDenied without the permission on this instance, and EncryptionError as reading does.
    """
    field = sealed_field_of(instance, name)
    if not field.reveal:
        raise TypeError(f"{field.frozen_label} is revealed to nobody: it is declared without reveal=.")
    if not 0 < len(reason := reason.strip()) <= LONGEST_REASON:
        raise ValueError(f"Say why {field.frozen_label} is to be shown, in at most {LONGEST_REASON} characters.")
    details = {"field": str(field.verbose_name), "label": field.frozen_label}
    if not to.has_perm(field.reveal, instance):
        _tell(reveal_refused, instance, "denied", reason, details | {"permission": field.reveal})
        raise PermissionDenied("You may not see this in full.")
    value = getattr(instance, field.attname)  # first: what can't be opened was not revealed, and tells of itself
    _tell(revealed, instance, "success", reason, details)
    return value


def _tell(signal: Any, instance: models.Model, outcome: str, reason: str, details: dict[str, str]) -> None:
    signal.send(sender=type(instance), target=instance, outcome=outcome, changes=None, reason=reason, details=details)
