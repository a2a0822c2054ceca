"""A witness in S3, or in what speaks like it: each checkpoint is an object that nobody deletes until its time is over.

    s3://bucket/prefix?region=eu-north-1&days=3650
    s3://bucket/prefix?endpoint=https://s3.example.org          of another provider

The bucket must have been made with object lock; in its compliance mode not even the account's root shortens it. Needs
boto3 (requirements/kms.txt). Credentials are those that it finds, for s3:PutObject, PutObjectRetention and GetObject.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})  # seconds
DAYS = 3650


class OtherCheckpoint(Exception):
    """The log has signed two histories: the one that is kept there, and the one that is here."""


class Place:
    """A bucket's prefix. Raises ValueError if the address is none."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        given = dict(parse_qsl(parts.query))
        self.bucket, self.prefix = parts.netloc, unquote(parts.path).strip("/")
        self.days = int(given.pop("days", DAYS))
        endpoint, region = given.pop("endpoint", None), given.pop("region", None)
        https = (endpoint or "https:").startswith("https:")
        if given or not (self.bucket and self.prefix and self.days > 0 and https):
            raise ValueError("its form is s3://bucket/prefix?region=…&days=…&endpoint=https://…")
        self.client = partial(boto3.client, "s3", region_name=region, endpoint_url=endpoint, config=PATIENCE)

    def put(self, note: str) -> None:
        """Raises what boto3 does, and OtherCheckpoint."""
        body, size = note.encode(), int(note.split("\n")[1])
        at = {"Bucket": self.bucket, "Key": f"{self.prefix}/{size:020}"}
        until = datetime.now(UTC) + timedelta(days=self.days)
        # Without IfNoneMatch what is locked would stay too, but hidden below the newer one.
        how = {"ChecksumAlgorithm": "SHA256", "IfNoneMatch": "*", "ObjectLockMode": "COMPLIANCE"}
        with closing(self.client()) as s3:
            try:
                s3.put_object(**at, **how, Body=body, ObjectLockRetainUntilDate=until)
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                if s3.get_object(**at)["Body"].read() != body:  # else only the answer was lost
                    raise OtherCheckpoint(f"{at['Key']} is there, and is another checkpoint of that size") from None
