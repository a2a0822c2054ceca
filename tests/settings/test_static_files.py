"""What collectstatic leaves behind, for a proxy that runs as another user."""

from pathlib import Path

from tests.production import environment
from tests.project.tree import run


def test_collected_files_can_be_read_by_the_user_of_the_proxy(tmp_path: Path) -> None:
    collected = tmp_path / "static"
    variables = environment(tmp_path) | {"STATIC_ROOT": str(collected)}
    production = {"DJANGO_SETTINGS_MODULE": "config.settings.production", **variables}
    done = run("python", "manage.py", "collectstatic", "--no-input", **production)
    assert done.returncode == 0, done.stdout

    closed = [path for path in (collected, *collected.rglob("*")) if not path.stat().st_mode & 0o004]
    assert closed == []
    assert any(path.name.startswith("kit.") for path in collected.iterdir())
