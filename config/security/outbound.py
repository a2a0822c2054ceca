"""The one way in which the site itself calls another: HTTPS, the certificate checked, no redirect, no long wait."""

import http.client
import ssl
from urllib.parse import urlsplit

SECONDS = 10
MOST_ANSWERED = 64 * 1024  # bytes


class NotAccepted(OSError):
    """The other side answered, and did not say that it took what it was sent."""


def post(url: str, body: bytes, *, content_type: str) -> bytes:
    """Post to an address of the settings, never a user's. Raises ValueError, OSError, NotAccepted."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("Only https:// is called.")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=SECONDS, context=ssl.create_default_context()
    )
    try:
        connection.request("POST", path, body, {"Content-Type": content_type, "User-Agent": "rampart"})
        answer = connection.getresponse()
        text = answer.read(MOST_ANSWERED)
    except http.client.HTTPException as error:
        raise NotAccepted(f"its answer is no HTTP ({type(error).__name__})") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise NotAccepted(f"it answered {answer.status}")
    return text
