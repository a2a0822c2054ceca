"""Witnesses are told of each checkpoint; one that is down holds nothing up, and is told later."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from apps.audit import sealing, seals, witnesses
from apps.audit.models import Checkpoint, Progress
from apps.audit.notes import Sealed, notes_in
from config.security import outbound
from tests.audit.sealed import happen, seal
from tests.deploy.certificates import Authority, issue

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.3")]


def witnessed_by(address: str) -> Any:
    return override_settings(AUDIT_WITNESSES=[address])


def newest() -> str:
    return Checkpoint.objects.latest("size").note


def test_a_file_holds_every_checkpoint_it_was_told_of(tmp_path: Path) -> None:
    path = tmp_path / "check points"
    with witnessed_by(path.as_uri()):
        told = []
        for _ in range(2):
            happen(2)
            seal()
            witnesses.tell()
            witnesses.tell()
            told.append(newest())
    assert list(notes_in(path)) == told
    assert path.stat().st_mode & 0o777 == 0o600


def test_mail_is_sent_once_a_day() -> None:
    with witnessed_by("mailto:auditor@example.org"):
        for _ in range(2):
            happen(1)
            seal()
            witnesses.tell()
    (message,) = mail.outbox
    assert message.to == ["auditor@example.org"]
    assert Sealed.read(message.body).size == seals.status().size - 1


@pytest.mark.parametrize("kind", ["unix", "udp"])
def test_syslog_gets_it_on_one_line(kind: str, tmp_path: Path) -> None:
    happen(1)
    seal()
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path) if kind == "unix" else ("127.0.0.1", 0))
        address = f"syslog://{path}" if kind == "unix" else f"syslog://127.0.0.1:{receiver.getsockname()[1]}"
        with witnessed_by(address):
            witnesses.tell()
        line = receiver.recv(8192).decode()
    assert line.startswith("<109>1 ")
    assert "\n" not in line
    assert json.loads(line[line.index('"') :]) == newest()


class Received(BaseHTTPRequestHandler):
    bodies: list[str]
    status = 204

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.status)
        self.send_header("Location", "https://127.0.0.1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """The test's output is not for this."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return issue(tmp_path)


@pytest.fixture
def endpoint(authority: Authority) -> Iterator[type[Received]]:
    """A server on this machine that speaks TLS; `address` names it."""
    handler = type("Handler", (Received,), {"bodies": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.chain, authority.server.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    handler.address = f"https://127.0.0.1:{server.server_port}/checkpoints?log=1"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_is_posted_to_over_verified_tls(
    endpoint: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(1)
    seal()
    with witnessed_by(endpoint.address):
        witnesses.tell()
        assert endpoint.bodies == []
        assert "CERTIFICATE_VERIFY_FAILED" in seals.status().witnesses[0].error
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        witnesses.tell()
    assert endpoint.bodies == [newest()]


@pytest.mark.parametrize("status", [302, 500])
def test_an_endpoint_that_does_not_say_yes_is_asked_again_and_no_redirect_is_followed(
    status: int, endpoint: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    endpoint.status = status
    with pytest.raises(outbound.NotAccepted, match=str(status)):
        outbound.post(endpoint.address, b"x", content_type="text/plain")
    assert len(endpoint.bodies) == 1


def test_nothing_is_called_in_the_clear() -> None:
    with pytest.raises(ValueError, match="Only https"):
        outbound.post("http://127.0.0.1/", b"x", content_type="text/plain")


def test_a_witness_that_is_down_holds_nothing_up_and_is_told_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gone" / "checkpoints"
    with witnessed_by(path.as_uri()):
        happen(3)
        seal()
        with caplog.at_level("ERROR", "audit.emergency"):
            witnesses.tell()
        assert "FileNotFoundError" in caplog.text
        (lagging,) = seals.status().witnesses
        assert lagging.behind == seals.status().size
        assert lagging.failing_since is not None
        assert any("witness" in problem for problem in seals.status().problems)
        happen(1)
        assert seal()
        path.parent.mkdir()
        witnesses.tell()
        (well,) = seals.status().witnesses
        assert (well.behind, well.failing_since, well.error) == (0, None, "")
    assert list(notes_in(path)) == [newest()]


class OfNoKnownKind(Exception):
    """As boto3's, which are no OSError."""


class Broken:
    def send(self, note: str) -> None:
        raise OfNoKnownKind


def test_whatever_a_witness_raises_the_others_are_told(tmp_path: Path) -> None:
    happen(1)
    seal()
    path = tmp_path / "checkpoints"
    with override_settings(AUDIT_WITNESSES=[f"{__name__}.Broken", path.as_uri()]):
        witnesses.tell()
        broken, well = seals.status().witnesses
    assert (broken.error, well.behind) == ("OfNoKnownKind: ", 0)
    assert list(notes_in(path)) == [newest()]


def test_a_file_that_took_half_a_checkpoint_has_not_taken_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As write() does when the disk has room for a part: no error, but fewer bytes."""
    happen(1)
    seal()
    path = tmp_path / "checkpoints"
    write = os.write
    with witnessed_by(path.as_uri()):
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[: len(data) // 2]))
        witnesses.tell()
        assert seals.status().witnesses[0].behind > 0
        monkeypatch.undo()
        witnesses.tell()
        assert seals.status().witnesses[0].behind == 0
    assert list(notes_in(path)) == [newest()]


def test_a_syslog_that_reads_nothing_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "PATIENCE", 0.1)
    happen(1)
    seal()
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hung:
        hung.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"x", str(path))
        with witnessed_by(f"syslog://{path}"):
            witnesses.tell()
            assert "TimeoutError" in seals.status().witnesses[0].error


def test_a_password_in_an_address_is_neither_stored_nor_shown() -> None:
    happen(1)
    seal()
    with witnessed_by("https://someone:hunter2@127.0.0.1:1/x?token=hunter2"):
        witnesses.tell()
        assert seals.status().witnesses[0].name == "https://127.0.0.1:1/x"
    assert "hunter2" not in str(Progress.objects.values())


def test_a_witness_of_ones_own_is_named_by_its_path() -> None:
    happen(1)
    seal()
    with witnessed_by(f"{__name__}.Own"):
        witnesses.tell()
    assert Own.told == [newest()]


class Own:
    told: list[str] = []  # noqa: RUF012 - the test reads it

    def send(self, note: str) -> None:
        self.told.append(note)


def test_no_checkpoint_is_no_news(tmp_path: Path) -> None:
    with witnessed_by((tmp_path / "x").as_uri()):
        witnesses.tell()
    assert sealing.last_checkpoint() is None
    assert not (tmp_path / "x").exists()
