"""deploy/prometheus and deploy/grafana: every rule falls when it should, and asks only for what the site counts."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from apps.audit import api
from config import metrics
from tests.project.tree import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
GUIDE = ROOT / "docs" / "how-to" / "watch-the-site.md"
NAME = re.compile(r"\b(?:audit|encryption|http)_[a-z_]+\b")
ALERT = re.compile(r"alert: (\w+)")

promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")


def run(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expressions() -> Iterator[str]:
    yield (FOLDER / "alerts.yml").read_text()
    for panel in json.loads((ROOT / "deploy" / "grafana" / "site.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.slow
@promtool
def test_prometheus_understands_the_configuration_and_the_rules() -> None:
    run("check", "config", "--syntax-only", "prometheus.yml")
    run("check", "rules", "--lint-fatal", "alerts.yml")


@pytest.mark.slow
@promtool
@pytest.mark.asvs("16.3.3")
def test_every_alert_falls_when_it_should_and_only_then() -> None:
    run("test", "rules", "alerts.test.yml")


def test_every_alert_is_tried_silent_and_falling_and_is_explained() -> None:
    tried, guide = (FOLDER / "alerts.test.yml").read_text(), GUIDE.read_text()
    for alert in ALERT.findall((FOLDER / "alerts.yml").read_text()):
        assert f"alertname: {alert}, exp_alerts: []" in tried, alert
        assert f"alertname: {alert}\n        exp_alerts:\n" in tried, alert
        assert f"| `{alert}` |" in guide, alert


@pytest.mark.django_db
def test_rules_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    api.record("audit.log.verified", findings=0, events=0)
    there = metrics.exposition().decode()
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    asked -= {"audit_events_total"} if 'audit_events_total{action="' in there else set()
    assert {name for name in asked if f"# TYPE {re.sub('_(bucket|count)$', '', name)} " not in there} == set()


@pytest.mark.django_db
def test_rules_and_dashboard_ask_only_for_actions_that_exist() -> None:
    there = metrics.exposition().decode()
    for expression in expressions():
        for pattern in re.findall(r'action=~?"([^"]+)"', expression):
            plain = pattern.replace("\\\\", "\\")
            assert re.search(rf'action="{plain}"', there), pattern


def test_every_metric_is_explained() -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    guide = GUIDE.read_text()
    assert {name for name in named if re.sub("_(bucket|count)$", "", name) not in guide} == set()
