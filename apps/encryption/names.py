"""The names under which encrypted values go about in a program, for whoever keeps them out of logs."""

from functools import cache

from apps.encryption.fields import Encrypted
from apps.encryption.inventory import labeled_fields


@cache
def encrypted_field_names() -> frozenset[str]:
    """The names of all encrypted fields of the project. Raises AppRegistryNotReady before the models are loaded."""
    return frozenset(field.name for field in labeled_fields() if isinstance(field, Encrypted))
