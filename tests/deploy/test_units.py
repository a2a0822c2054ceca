"""deploy/systemd, read by systemd itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.tree import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
TIMERS = sorted((ROOT / "deploy" / "systemd").glob("*.timer"))
MOST_EXPOSED = 15  # tenths on systemd's scale from 0 to 100

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@pytest.mark.parametrize("unit", [*UNITS, *TIMERS], ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """With the site's program in place of one that is there: verify asks for it. Unknown keys are warnings only."""
    for each in (*UNITS, *TIMERS):  # a timer needs its service beside it
        text = re.sub("ExecStart=/srv/rampart/.venv/bin/(gunicorn|python)", "ExecStart=/bin/true", each.read_text())
        text = text.replace("Documentation=file:///srv/rampart/deploy/README.md", "Documentation=man:true(1)")
        (tmp_path / each.name).write_text(text)
    there = tmp_path / unit.name
    read = subprocess.run(["systemd-analyze", "verify", "--man=no", there], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_service_is_shut_in(unit: Path) -> None:
    limit = ["--offline=true", f"--threshold={MOST_EXPOSED}"]
    read = subprocess.run(["systemd-analyze", "security", *limit, unit], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stdout
