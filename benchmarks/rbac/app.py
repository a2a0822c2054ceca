"""The app that holds the tables of both subjects."""

from django.apps import AppConfig


class BenchmarkConfig(AppConfig):
    name = "benchmarks.rbac"
    label = "rbac_benchmark"
