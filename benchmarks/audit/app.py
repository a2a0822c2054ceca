"""The app that holds the subjects' tables."""

from django.apps import AppConfig


class BenchmarkConfig(AppConfig):
    name = "benchmarks.audit"
    label = "audit_benchmark"
    default_auto_field = "django.db.models.BigAutoField"
