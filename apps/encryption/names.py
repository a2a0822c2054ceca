"""The names under which encrypted values go about in a program, for whoever keeps them out of logs."""

from functools import cache

from django.apps import apps

from apps.encryption.fields import Encrypted


@cache
def encrypted_field_names() -> frozenset[str]:
    """The names of all encrypted fields of the project. Raises AppRegistryNotReady before the models are loaded."""
    fields = (field for model in apps.get_models() for field in model._meta.local_fields)
    return frozenset(field.name for field in fields if isinstance(field, Encrypted))
