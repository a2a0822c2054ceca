"""deploy/nginx and deploy/gunicorn.conf.py: a real proxy with TLS before the site with production settings."""

import json
import re
import secrets
import socket
import ssl
import time

import pytest

from tests.deploy.client import ADDRESS, Client
from tests.deploy.site import NAME, Site

pytestmark = pytest.mark.slow
SIGN_IN = "/accounts/login/"
FORGED = "203.0.113.9"
HEADERS = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def logged(site: Site, path: str) -> dict[str, object]:
    """The access log's line about this path."""
    for line in site.log().splitlines():
        if line.startswith("{") and json.loads(line).get("path") == path:
            found: dict[str, object] = json.loads(line)
            return found
    raise AssertionError(f"no line about {path} in:\n{site.log()[-3000:]}")


def proxy_line(site: Site, path: str) -> str:
    """nginx's log line about this path, which it writes after it has answered."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in (site.folder / "rampart.log").read_text().splitlines():
            if path in line:
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line about {path}")


@pytest.mark.asvs("3.4.1", "3.4.3", "3.4.4", "3.4.5", "3.4.6", "3.4.8", "12.2.1")
def test_the_sign_in_page_comes_over_tls_with_every_security_header(client: Client) -> None:
    page = client.get(SIGN_IN)
    assert page.status == 200
    assert {name: page.headers.get_all(name) for name in HEADERS} == {name: [value] for name, value in HEADERS.items()}
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Server" not in page.headers or page.headers["Server"] == "nginx"


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.4")
def test_signing_in_works_through_the_proxy_and_the_cookies_are_bound_to_the_host(site: Site, client: Client) -> None:
    password = secrets.token_urlsafe(24)
    site.manage(
        "shell",
        "--command",
        "import os; from allauth.account.models import EmailAddress; from apps.accounts.models import User;"
        "user = User.objects.create_user('ann@example.org', os.environ['NEW_PASSWORD']);"
        "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)",
        NEW_PASSWORD=password,
    )
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(SIGN_IN).text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "login": "ann@example.org"}
    assert client.post(SIGN_IN, form | {"password": "a wrong password"}).status == 200
    signed_in = client.post(SIGN_IN, form | {"password": password})
    assert signed_in.status == 302, signed_in.text
    session = next(value for value in signed_in.headers.get_all("Set-Cookie", []) if "sessionid" in value)
    assert session.startswith("__Host-sessionid=")
    assert all(part in session for part in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"))
    assert "Domain" not in session
    home = client.get(signed_in.headers["Location"])
    assert home.headers["Cache-Control"].find("no-store") >= 0


@pytest.mark.asvs("12.2.1")
def test_clear_text_is_sent_to_tls(site: Site) -> None:
    answer = Client(site.http_port).get("/records/?page=2")
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://{NAME}/records/?page=2"


def test_clear_text_to_another_name_gets_no_answer(site: Site) -> None:
    with pytest.raises((ConnectionError, OSError)):
        Client(site.http_port).get("/", host="evil.example")


@pytest.mark.asvs("4.1.3", "16.2.1")
def test_a_forged_address_is_not_believed(site: Site, client: Client) -> None:
    path = f"/{secrets.token_hex(8)}"
    client.get(path, x_forwarded_for=FORGED, x_real_ip=FORGED, forwarded=f"for={FORGED}")
    assert logged(site, path)["client"] == ADDRESS


@pytest.mark.asvs("4.1.3")
def test_a_forged_scheme_changes_nothing(client: Client) -> None:
    assert client.get(SIGN_IN, x_forwarded_proto="http").status == 200


@pytest.mark.asvs("4.1.3")
def test_who_passes_by_the_proxy_is_believed_nothing(site: Site) -> None:
    path, direct = f"/{secrets.token_hex(8)}", Client(site.application_port)
    answer = direct.get(path, x_forwarded_proto="https", x_forwarded_for=FORGED)
    assert answer.status == 301, "a claim of TLS from somebody who is not the proxy"
    assert logged(site, path)["client"] == ADDRESS


def test_a_header_that_poses_as_another_one_is_refused(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.application_port), timeout=20) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX_Forwarded_For: {FORGED}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_client_cannot_choose_the_id_of_its_request(client: Client) -> None:
    chosen = "0af7651916cd43dd8448eb211c80319c"
    answer = client.get(SIGN_IN, traceparent=f"00-{chosen}-b7ad6b7169203331-01", x_request_id=chosen)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.headers["X-Request-ID"] != chosen


def test_the_proxy_and_the_site_log_the_same_id_and_no_query(site: Site, client: Client) -> None:
    path = f"/{secrets.token_hex(8)}"
    request_id = client.get(f"{path}?q=private").headers["X-Request-ID"]
    line = proxy_line(site, path)
    assert line.endswith(request_id)
    assert logged(site, path)["request_id"] == request_id
    assert "private" not in line + site.log()


@pytest.mark.asvs("4.1.1")
@pytest.mark.parametrize("host", ["evil.example", f"{NAME}.evil.example", f"evil.example:443@{NAME}"])
def test_an_unknown_host_is_refused(client: Client, host: str) -> None:
    try:
        answer = client.get(SIGN_IN, host=host)
    except ConnectionError:
        return
    assert answer.status == 400


def test_the_site_refuses_an_unknown_host_without_the_proxy_too(site: Site) -> None:
    answer = Client(site.application_port).get("/health/live/", host="evil.example")
    assert answer.status == 400
    assert "Traceback" not in answer.text


def test_the_proxy_writes_no_upload_to_a_disk(site: Site, client: Client) -> None:
    """It would lie there in the clear, before the site could encrypt it."""
    client.request("POST", SIGN_IN, b"x" * 1_900_000, content_type="application/octet-stream")
    assert "buffered to a temporary file" not in (site.folder / "nginx.log").read_text()


def test_a_name_that_is_not_ours_gets_no_certificate(site: Site) -> None:
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        Client(site.https_port, site.authority.certificate, name="evil.example").get("/")


@pytest.mark.asvs("13.4.2", "16.5.1")
def test_an_error_page_tells_nothing_of_the_inside(client: Client) -> None:
    page = client.get("/static/../no-such-page")
    assert page.status in (302, 400, 404)
    assert not re.search(r"Traceback|DEBUG = True|urlpatterns|config\.urls", page.text)


def test_the_style_sheet_is_served_by_the_proxy_with_a_name_that_follows_its_content(client: Client) -> None:
    found = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', client.get(SIGN_IN).text)
    assert found, "the sign-in page links to no hashed style sheet"
    sheet = client.get(found[1], accept_encoding="gzip")
    assert sheet.status == 200
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert sheet.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in sheet.headers


def test_a_body_that_is_too_large_is_refused_before_it_reaches_the_site(client: Client) -> None:
    answer = client.request("POST", SIGN_IN, b"x" * 3_000_000, content_type="application/x-www-form-urlencoded")
    assert answer.status == 413


def test_health_is_told_to_this_machine_only(site: Site, client: Client) -> None:
    assert client.get("/health/ready/").status == 403
    assert Client(site.application_port).get("/health/ready/").status == 200


@pytest.mark.asvs("12.1.1")
def test_old_versions_of_tls_are_refused(site: Site) -> None:
    old = ssl.create_default_context(cafile=site.authority.certificate)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", site.https_port), timeout=20) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname=NAME)


@pytest.mark.asvs("16.2.1")
def test_the_proxys_line_the_sites_line_and_the_audit_event_hold_one_id(site: Site, client: Client) -> None:
    page = client.get(SIGN_IN)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "login": "nobody@example.org", "password": "a wrong password"}
    request_id = client.post(SIGN_IN, form).headers["X-Request-ID"]
    exported = site.manage("audit", "export", "--format", "jsonl", "--action", "accounts.sign_in.failed")
    assert request_id in {json.loads(line)["request_id"] for line in exported.splitlines()}
    assert f'"request_id": "{request_id}"' in site.log()
    assert any(line.endswith(request_id) for line in (site.folder / "rampart.log").read_text().splitlines())
