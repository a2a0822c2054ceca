from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """The sample: records about people, with the kit's four apps at work. Delete it when you need it no more."""

    name = "apps.records"
    verbose_name = "Records"
    navigation = (("Records", "records:list", None),)
