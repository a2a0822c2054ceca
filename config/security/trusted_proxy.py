"""The one place that decides where a request comes from. Everything else reads REMOTE_ADDR."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Headers by which a proxy speaks of the client. From anybody else they are forgeries (ASVS 4.1.3).
FROM_PROXY_ONLY = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT")
NEVER_READ = (
    "HTTP_FORWARDED",
    "HTTP_TRACESTATE",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_REAL_IP",
)
UNIX_SOCKET = "unix"

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxyMiddleware:
    """Put the client's address into REMOTE_ADDR: the right-most hop of X-Forwarded-For that is no trusted proxy.

    Left of it a client can write what it likes. From a peer outside TRUSTED_PROXIES (CIDR networks, and "unix" for
    a UNIX socket) the forwarded headers are removed unread.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.unix_socket = UNIX_SOCKET in settings.TRUSTED_PROXIES
        self.networks = [ipaddress.ip_network(text) for text in settings.TRUSTED_PROXIES if text != UNIX_SOCKET]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        for name in NEVER_READ if self.trusts(peer) else (*NEVER_READ, *FROM_PROXY_ONLY):
            request.META.pop(name, None)
        request.META["REMOTE_ADDR"] = self.client(peer, request.META.pop("HTTP_X_FORWARDED_FOR", ""))
        return self.get_response(request)

    def trusts(self, peer: str) -> bool:
        if not peer:
            return self.unix_socket
        address = parsed(peer)
        return address is not None and any(address in network for network in self.networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The right-most untrusted hop. What stands left of a hop that is no address is noise."""
        client = peer
        for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
            address = parsed(hop)
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        # A UNIX socket has no address, and an inet column takes none that is empty.
        return client or "127.0.0.1"


def parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if getattr(address, "scope_id", None):  # fe80::1%eth0: the zone is our own, any text, and no part of the address
        address = ipaddress.IPv6Address(int(address))
    # ::ffff:192.0.2.1 and 192.0.2.1 are one client, and one lock-out.
    return getattr(address, "ipv4_mapped", None) or address
