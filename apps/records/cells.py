"""What the detail page shows of a record's sealed fields, even when one of them can't be opened."""

from apps.encryption.errors import EncryptionError
from apps.encryption.fields import Encrypted
from apps.encryption.masks import masked
from apps.records.models import Record


def cells_of(record: Record) -> dict[str, str | None]:
    """Each sealed field's label and text, masked if it has a mask; None in place of a text that can't be opened."""
    sealed = [field for field in record._meta.fields if isinstance(field, Encrypted)]
    return {str(field.verbose_name): opened(record, field) for field in sealed}


def opened(record: Record, field: Encrypted) -> str | None:
    """A cell that was tampered with does not take the rest of the record with it: the alarm is raised elsewhere."""
    try:
        return masked(record, field.name) if field.mask else getattr(record, field.name)
    except EncryptionError:
        return None
