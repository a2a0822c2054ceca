from django.apps import AppConfig


class TestappConfig(AppConfig):
    """Models which the kit's own tests protect, so that no test needs the sample."""

    name = "tests.testapp"
