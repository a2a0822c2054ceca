"""Local runs: keys made on first use, and mail that can be read in the terminal."""

import io
import stat
from pathlib import Path

from django.core.mail import EmailMessage

from apps.encryption.keyring import validate
from config.local_keys import prepare
from config.local_mail import EmailBackend


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    prepare(tmp_path / "var", environ)
    made = {path: path.read_text() for path in (tmp_path / "var").iterdir()}
    assert len(made) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made)
    prepare(tmp_path / "var", {})
    assert {path: path.read_text() for path in made} == made


def test_the_rings_made_are_usable(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    prepare(tmp_path, environ)
    for name in ("AUDIT_SIGNING_KEYS_FILE", "FIELD_ENCRYPTION_KEYS_FILE", "FIELD_INDEX_KEYS_FILE"):
        assert validate(Path(environ[name]).read_text()) == []


def test_what_is_set_already_stays(tmp_path: Path) -> None:
    environ = {"SECRET_KEY": "given", "MAIL_URL": "smtps://mail.example.org"}
    prepare(tmp_path, environ)
    assert environ["MAIL_URL"] == "smtps://mail.example.org"
    assert "SECRET_KEY_FILE" not in environ
    assert not (tmp_path / "secret.key").exists()


def test_a_long_link_is_printed_in_one_piece() -> None:
    printed = io.StringIO()
    link = "http://127.0.0.1:8000/accounts/password/reset/key/" + "x" * 120
    EmailBackend(stream=printed, alias="default").send_messages([EmailMessage("Reset", link, to=["a@example.org"])])
    assert link in printed.getvalue()
