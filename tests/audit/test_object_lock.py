"""The witness in S3: boto3 speaks over TLS to moto's server on loopback, which keeps objects as S3 says it does."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from apps.audit import seals, witnesses
from apps.audit.checks import witnesses_can_be_told
from apps.audit.models import Checkpoint, Progress
from apps.audit.notes import notes_in
from apps.audit.verification import verify
from config.env import Env
from tests.audit.sealed import attack, happen, seal
from tests.audit.test_witnesses import newest, witnessed_by
from tests.deploy.certificates import issue
from tests.encryption.key_services import aws

pytestmark = [pytest.mark.django_db, pytest.mark.asvs("16.4.3")]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    authority = issue(tmp_path_factory.mktemp("s3"))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.chain, authority.server.key)
    with pytest.MonkeyPatch.context() as patch, aws(context) as url:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_CA_BUNDLE", str(authority.certificate))
        yield url


class Bucket:
    def __init__(self, name: str, endpoint: str, *, lock: bool = True) -> None:
        self.name = name
        self.address = f"s3://{name}/the%20log?region=eu-north-1&days=30&endpoint={endpoint}"
        self.client: Any = boto3.client("s3", region_name="eu-north-1", endpoint_url=endpoint)
        where = {"LocationConstraint": "eu-north-1"}
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=lock)

    def kept(self) -> dict[str, str]:
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {each["Key"]: self.read(each["Key"])["Body"].read().decode() for each in found}

    def read(self, key: str) -> Any:
        return self.client.get_object(Bucket=self.name, Key=key)


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> Bucket:
    return Bucket(f"b-{abs(hash(request.node.name))}", endpoint)


def told(address: str) -> seals.Witness:
    with witnessed_by(address):
        witnesses.tell()
        (witness,) = seals.status().witnesses
    return witness


def test_each_checkpoint_is_an_object_that_is_named_by_its_size_and_locked(bucket: Bucket) -> None:
    notes = {}
    for _ in range(2):
        happen(2)
        (sealed,) = seal()
        assert told(bucket.address).behind == 0
        notes[f"the log/{sealed.size:020}"] = newest()
    assert bucket.kept() == notes
    held = bucket.read(max(notes))
    assert held["ObjectLockMode"] == "COMPLIANCE"
    until = held["ObjectLockRetainUntilDate"] - datetime.now(UTC)
    assert timedelta(days=29) < until <= timedelta(days=30)


def test_nobody_deletes_what_it_holds(bucket: Bucket) -> None:
    happen(1)
    seal()
    told(bucket.address)
    (key,) = bucket.kept()
    version = bucket.read(key)["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.client.delete_object(Bucket=bucket.name, Key=key, VersionId=version, BypassGovernanceRetention=True)
    assert list(bucket.kept().values()) == [newest()]


def test_what_it_holds_proves_that_the_end_of_the_log_was_cut_off(bucket: Bucket, tmp_path: Path) -> None:
    for _ in range(2):
        happen(2)
        seal()
        told(bucket.address)
    size = Checkpoint.objects.earliest("size").size
    attack("DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_leaf WHERE position >= %s)", (size,))
    attack("DELETE FROM audit_leaf WHERE position >= %s", (size,))
    attack("DELETE FROM audit_checkpoint WHERE size > %s", (size,))
    assert verify().findings == []
    downloaded = tmp_path / "all"  # as `aws s3 sync` and `cat` give it
    downloaded.write_text("".join(bucket.kept().values()))
    assert [finding.kind for finding in verify(against=notes_in(downloaded)).findings] == ["log cut"]


def test_one_that_is_there_already_is_not_overwritten_and_counts_if_it_is_the_same(bucket: Bucket) -> None:
    happen(1)
    seal()
    told(bucket.address)
    (key,) = bucket.kept()
    before = bucket.read(key)["VersionId"]
    Progress.objects.update(size=0)  # as if the answer had been lost
    assert told(bucket.address).behind == 0
    assert bucket.read(key)["VersionId"] == before


def test_another_checkpoint_of_the_same_size_is_told(bucket: Bucket) -> None:
    (sealed,) = (happen(1), seal())[1]
    bucket.client.put_object(Bucket=bucket.name, Key=f"the log/{sealed.size:020}", Body=b"another")
    assert "OtherCheckpoint" in told(bucket.address).error
    assert list(bucket.kept().values()) == ["another"]


def test_a_bucket_without_object_lock_is_no_witness(endpoint: str) -> None:
    happen(1)
    seal()
    witness = told(Bucket("without-lock", endpoint, lock=False).address)
    assert witness.failing_since
    assert "InvalidRequest" in witness.error


def test_a_server_that_nobody_vouches_for_is_told_nothing(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    happen(1)
    seal()
    assert "SSLError" in told(bucket.address).error
    monkeypatch.undo()
    assert bucket.kept() == {}


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///log",
        "s3://b",
        *(f"s3://b/log?{option}" for option in ("days=0", "days=x", "key=x", "endpoint=http://h")),
    ],
)
def test_a_wrong_address_stops_the_start(address: str) -> None:
    with witnessed_by(address):
        (problem,) = witnesses_can_be_told()
    assert problem.id == "audit.E005"


def test_without_boto3_the_start_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "s3://bucket/log?region=eu-north-1"
    with witnessed_by(address):
        assert witnesses_can_be_told() == []
        monkeypatch.delitem(sys.modules, "apps.audit.object_lock")
        monkeypatch.setitem(sys.modules, "boto3", None)
        (problem,) = witnesses_can_be_told()
    assert "boto3" in problem.msg
    assert "requirements/kms.txt" in problem.hint


def test_the_variable_takes_it() -> None:
    address = "s3://bucket/log?region=eu-north-1&days=3650"
    assert Env({"AUDIT_WITNESSES": address}).addresses("AUDIT_WITNESSES", schemes=("s3",)) == [address]
