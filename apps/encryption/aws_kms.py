"""Key rings wrapped by a symmetric key of AWS KMS. Needs boto3: the extra `kms`, or requirements/kms.txt.

    KEY_SOURCE = {"BACKEND": "apps.encryption.aws_kms.AwsKms", "OPTIONS": {"key": "arn:aws:kms:…:key/…"}}

Region and credentials are those that boto3 finds: the machine's role, or AWS_REGION and the like. The role needs
kms:Decrypt on this one key; who wraps needs kms:Encrypt. The ring's setting is the encryption context, so that policies
and CloudTrail can tell the rings apart.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import closing
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.encryption.sources import SourceFailed

LARGEST = 4096  # bytes that Encrypt takes: a ring of about 25 keys
PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class AwsKms:
    name = "aws-kms"

    def __init__(self, key: str, *, region: str = "", url: str = "") -> None:
        """`key`: an ARN, id or alias. `url`: another endpoint than the region's own, such as one in your network."""
        self.key, self.region, self.url = key, region, url

    def wrap(self, plain: bytes, context: str) -> str:
        """Raises SourceFailed."""
        if len(plain) > LARGEST:
            raise SourceFailed(
                f"The ring has {len(plain)} bytes; {self.name} wraps {LARGEST}. Take out destroyed keys."
            )
        answer = self._ask("wrap", lambda kms, to: kms.encrypt(Plaintext=plain, **to), context)
        return b64encode(answer["CiphertextBlob"]).decode()

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Raises SourceFailed."""
        try:
            blob = b64decode(wrapped, validate=True)
        except ValueError:
            raise SourceFailed(f"What is wrapped by {self.name} is not base64: it was changed.") from None
        plain: bytes = self._ask("unwrap", lambda kms, to: kms.decrypt(CiphertextBlob=blob, **to), context)["Plaintext"]
        return plain

    def _ask(self, what: str, question: Callable[[Any, dict[str, Any]], Any], context: str) -> Any:
        # The key is named for unwrapping too: a ring that somebody wrapped with a key of their own is refused.
        to = {"KeyId": self.key, "EncryptionContext": {"rampart-ring": context}}
        try:
            client = boto3.client(
                "kms", region_name=self.region or None, endpoint_url=self.url or None, config=PATIENCE
            )
            with closing(client) as kms:
                return question(kms, to)
        except ClientError as error:
            problem = f"it answered {error.response['Error']['Code']}"
        except (BotoCoreError, ValueError) as error:  # ValueError: the endpoint is no address
            problem = type(error).__name__
        raise SourceFailed(
            f"{self.name} did not {what} it with {self.key}: {problem}. Can this machine reach KMS, may its role use "
            "this key, and is the ring the one that was wrapped for this setting?"
        )
