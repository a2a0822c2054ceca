"""The kit's test settings, and the two subjects."""

from config.settings.test import *  # noqa: F403

INSTALLED_APPS = [
    *(name for name in INSTALLED_APPS if name not in {"tests.testapp", "apps.records"}),  # noqa: F405
    "benchmarks.rbac.app.BenchmarkConfig",
]
