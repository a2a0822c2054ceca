"""An HTTP client that sends what it is told: any Host, any header, from any loopback address; it follows nothing."""

import http.client
import socket
import ssl
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

ADDRESS = "127.0.0.3"  # where the client is, as the site should see it; 127.0.0.1 is the proxy's


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Client:
    port: int
    authority: Path | None = None  # TLS, verified by it; None: plain HTTP
    name: str = "app.example.org"
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    def connect(self, name: str) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(ADDRESS, 0))
        if self.authority is None:
            return plain
        return ssl.create_default_context(cafile=self.authority).wrap_socket(plain, server_hostname=name)

    def request(self, method: str, path: str, body: bytes, *, host: str = "", **headers: str) -> Answer:
        """Keyword arguments are headers: `x_forwarded_for="192.0.2.1"` sends X-Forwarded-For."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = self.connect(self.name)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        try:
            connection.request(method, path, body or None, {"Host": host or self.name, **sent})
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode(errors="replace"))
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return answer

    def get(self, path: str, *, host: str = "", **headers: str) -> Answer:
        return self.request("GET", path, b"", host=host, **headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        origin = {"origin": f"https://{self.name}", "content_type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urlencode(form).encode(), **(origin | headers))
