"""Key rings wrapped by the transit engine of HashiCorp Vault or OpenBao. Needs hvac: the extra `vault`.

    KEY_SOURCE = {
        "BACKEND": "apps.encryption.vault_transit.VaultTransit",
        "OPTIONS": {"key": "site-rings", "url": "https://vault.example.org:8200", "token": …},
    }

The token needs `update` on transit/decrypt/KEY, and for wrapping on transit/encrypt/KEY. It is used when a process
starts and not again, so it may be short-lived. The key must be of an authenticated kind (aes256-gcm96 is the default):
the ring's setting is its associated data.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import hvac
from hvac.exceptions import VaultError
from requests.exceptions import RequestException

from apps.encryption.sources import SourceFailed

TIMEOUT = 5  # seconds


class VaultTransit:
    name = "vault-transit"

    def __init__(self, key: str, *, url: str, token: str, ca: str = "", mount: str = "transit") -> None:
        """`ca`: a file with the authority that signed the server's certificate; the system's own otherwise.

        Raises SourceFailed if `url` is not https: the token and the ring would pass in the clear.
        """
        if not url.startswith("https://"):
            raise SourceFailed(f"{self.name} is asked over https:// only.")
        self.key, self.url, self.ca, self.mount = key, url, ca, mount
        self._token = token

    def wrap(self, plain: bytes, context: str) -> str:
        """Raises SourceFailed."""
        given = {"plaintext": b64encode(plain).decode()}
        answer = self._ask("wrap", lambda transit, to: transit.encrypt_data(**given, **to), context)
        return str(answer["data"]["ciphertext"])

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Raises SourceFailed."""
        answer = self._ask("unwrap", lambda transit, to: transit.decrypt_data(ciphertext=wrapped, **to), context)
        return b64decode(answer["data"]["plaintext"])

    def _ask(self, what: str, question: Callable[[Any, dict[str, Any]], Any], context: str) -> Any:
        to = {"name": self.key, "mount_point": self.mount, "associated_data": b64encode(context.encode()).decode()}
        vault = hvac.Client(
            url=self.url, token=self._token, verify=self.ca or True, timeout=TIMEOUT, allow_redirects=False
        )
        try:
            return question(vault.secrets.transit, to)
        except (VaultError, RequestException, OSError) as error:  # OSError: the file of the authority
            problem = type(error).__name__
        finally:
            vault.adapter.close()
        raise SourceFailed(
            f"{self.name} did not {what} it with {self.key}: {problem}. Is {self.url} up, unsealed and its certificate "
            "known here, does the token allow it, and is the ring the one that was wrapped for this setting?"
        )
