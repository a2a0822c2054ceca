"""The operator's guide and the units, taken at their word: what they give is all that production settings ask for."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.production import environment
from tests.project.tree import ROOT, clean_environment

GUIDE = (ROOT / "docs" / "how-to" / "configure-production.md").read_text()
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
REPORT = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
from apps.audit import notes
signs = [key.private is not None for key in notes.ring()]
print(settings.AUDIT_WITNESSES, bool(str.__str__(settings.METRICS_TOKEN)), signs)
"""


def blocks(section: str) -> Iterator[str]:
    """The code of a numbered section of the guide."""
    text = GUIDE.partition(f"\n## {section}")[2].partition("\n## ")[0]
    return (match[1] for match in re.finditer(r"```\n(.*?)```", text, re.DOTALL))


@pytest.fixture(scope="module")
def etc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/etc/rampart after steps 2 to 4 of the guide."""
    folder = tmp_path_factory.mktemp("etc")
    (commands,) = blocks("2. Keys")
    others = environment(folder / "others")
    assert "rm -r var" in commands  # which belongs to the machine, and not to this test
    for command in commands.replace("rm -r var", "").splitlines():
        there = command.replace("/srv/rampart", str(ROOT)).replace("/etc/rampart", str(folder))
        run_in_shell(there.replace(".venv/bin/python", sys.executable), others)
    for name, _, text in re.findall(r"^\| `(\S+\.url)` \| `(\w+)` \| `(.*)` \|$", GUIDE, re.MULTILINE):
        (folder / name).touch(0o600)
        (folder / name).write_text(text.replace("…", "a-password"))
    (variables,) = blocks("4. The other")
    (folder / "site.env").write_text(variables)
    return folder


def run_in_shell(command: str, others: dict[str, str]) -> None:
    """With other keys in force, as local settings have them: the command must name those that it means."""
    environ = clean_environment(DJANGO_SETTINGS_MODULE="config.settings.production", **others)
    done = subprocess.run(
        ["/bin/sh", "-ec", command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def environment_of(unit: Path, etc: Path) -> dict[str, str]:
    """What systemd would set: the lines of site.env, those of the unit, and %d for the credentials that it loads."""
    text = unit.read_text()
    loaded = dict(re.findall(r"^LoadCredential=([^:]+):/etc/rampart/(.+)$", text, re.MULTILINE))
    assert all((etc / file).exists() for file in loaded.values()), "the guide makes no such file"
    environ = dict(line.split("=", 1) for line in (etc / "site.env").read_text().splitlines())
    for name, value in re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE):
        assert not value.startswith("%d/") or value[3:] in loaded, f"{name} names a credential that is not loaded"
        environ[name] = value.replace("%d/", f"{etc}/")
    assert {f"%d/{name}" for name in loaded} <= set(re.findall(r"=(%d/.+)$", text, re.MULTILINE)), "loaded for nobody"
    return environ


@pytest.mark.asvs("13.1.1", "13.3.1")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_and_the_guide_give_all_that_the_settings_ask_for(unit: Path, etc: Path) -> None:
    environ = clean_environment(**environment_of(unit, etc))
    started = subprocess.run(
        [sys.executable, "-c", REPORT], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr
    witnesses = ["file:///var/lib/rampart/checkpoints", "mailto:auditor@example.org"]
    web, sealer = (unit.name == f"rampart-{name}.service" for name in ("web", "seal"))
    assert started.stdout == f"{witnesses} {web} [{sealer}]\n"


def test_only_the_site_may_read_the_token_of_its_metrics() -> None:
    assert [unit.name for unit in UNITS if "metrics.token" in unit.read_text()] == ["rampart-web.service"]


@pytest.mark.asvs("13.3.1")
def test_only_the_sealer_is_given_what_signs_and_the_site_can_not_read_its_memory() -> None:
    texts = {unit.name: unit.read_text() for unit in UNITS}
    assert [name for name, text in texts.items() if ":/etc/rampart/audit.json\n" in text] == ["rampart-seal.service"]
    users = {name: re.search(r"^User=(.*)$", text, re.MULTILINE)[1] for name, text in texts.items()}
    assert users["rampart-web.service"] != users["rampart-seal.service"] == users["rampart-verify.service"]
    assert set(users.values()) == set(re.findall(r"^useradd --system --shell \S+ (\S+)", GUIDE, re.MULTILINE))


def test_the_sealer_and_the_verifier_may_write_to_a_witness_in_their_own_folder() -> None:
    (variables,) = blocks("4. The other")
    assert "file:///var/lib/rampart/" in variables
    for name in ("rampart-seal", "rampart-verify"):
        assert "StateDirectory=rampart\n" in (ROOT / "deploy" / "systemd" / f"{name}.service").read_text()


def test_the_guide_starts_every_unit() -> None:
    timers = {timer.stem for timer in (ROOT / "deploy" / "systemd").glob("*.timer")}
    needed = {f"{unit.stem}.timer" if unit.stem in timers else unit.stem for unit in UNITS}
    (enabled,) = re.findall(r"systemctl enable --now (.*)", GUIDE)
    assert set(enabled.split()) == needed
