"""A KMS and a Vault on loopback, for the tests of key sources: threads of this process, stopped by their fixtures."""

import json
import os
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.encryption import sources
from apps.encryption.sources import SourceFailed
from tests.deploy.certificates import Authority, issue

TOKEN = "a-token-of-the-test"
PREFIX = "vault:v1:"
FAKE = "tests.encryption.key_services.Fake"


class Fake:
    """A source in this process, which counts what it is asked."""

    name = "fake"
    asked = 0
    down = False

    def wrap(self, plain: bytes, context: str) -> str:
        return f"{context}:{plain.hex()}"

    def unwrap(self, wrapped: str, context: str) -> bytes:
        Fake.asked += 1
        if Fake.down:
            raise SourceFailed("fake did not unwrap it: it is down.")
        return bytes.fromhex(wrapped.removeprefix(f"{context}:"))


class Transit:
    """What the transit engine does with one key named `rings`, by its documented HTTP API."""

    def __init__(self) -> None:
        self.cipher = AESGCM(os.urandom(32))
        self.sealed = False
        self.asked: list[str] = []

    def answer(self, path: str, token: str, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        context = b64decode(body.get("associated_data", ""))
        if path == "/v1/transit/encrypt/rings":
            nonce = os.urandom(12)
            sealed = nonce + self.cipher.encrypt(nonce, b64decode(body["plaintext"]), context)
            return 200, {"data": {"ciphertext": PREFIX + b64encode(sealed).decode(), "key_version": 1}}
        if path == "/v1/transit/decrypt/rings":
            try:
                sealed = b64decode(body["ciphertext"].removeprefix(PREFIX))
                plain = self.cipher.decrypt(sealed[:12], sealed[12:], context)
            except (InvalidTag, ValueError):
                return 400, {"errors": ["cipher: message authentication failed"]}
            return 200, {"data": {"plaintext": b64encode(plain).decode()}}
        return 404, {"errors": []}


class Vault:
    def __init__(self, transit: Transit, authority: Authority, port: int) -> None:
        self.transit, self.authority = transit, authority
        self.url = f"https://127.0.0.1:{port}"


@contextmanager
def vault(folder: Path) -> Iterator[Vault]:
    transit, authority = Transit(), issue(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = transit.answer(self.path, self.headers.get("X-Vault-Token", ""), body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Nothing: the tests look at what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.chain, authority.server.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield Vault(transit, authority, server.server_address[1])


@contextmanager
def aws(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of moto's server."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        def log(self, *args: Any) -> None:
            """Nothing."""

    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler, ssl_context=tls)
    with serving(server):
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Its thread is gone, and its port free, when the block ends."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def begin_anew() -> None:
    """As if the process had just started."""
    sources.unwrapped.cache_clear()
    sources.serving = False
