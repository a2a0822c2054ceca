"""The app that holds the subjects' tables."""

from django.apps import AppConfig


class BenchmarkConfig(AppConfig):
    name = "benchmarks.encryption"
    label = "encryption_benchmark"
