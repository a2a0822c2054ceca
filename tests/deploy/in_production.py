"""Run a command under production settings with throw-away values: `python -m tests.deploy.in_production COMMAND...`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.production import environment

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        variables = {"DJANGO_SETTINGS_MODULE": "config.settings.production", **environment(Path(folder))}
        raise SystemExit(subprocess.run(sys.argv[1:], env=os.environ | variables, check=False).returncode)
