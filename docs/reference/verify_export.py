"""Verify an archive of the audit log, without the site: python verify_export.py FILE.jsonl.gz VERIFIER...

Needs Python 3.12 and cryptography. VERIFIER is what `manage.py audit status` prints, for each key to be believed,
for any time. Keep it and this file away from the site. Says "intact" and ends with 0, or tells what is wrong, with 1.
"""

import gzip
import json
import sys
import zlib
from base64 import b64decode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLUMNS = (
    "id schema occurred_at action outcome severity actor_type actor_id actor_label on_behalf_of ip user_agent session "
    "request_id route method target_type target_id target_label reason changes details"
)
problems: list[str] = []


def digest_of(event: dict[str, str]) -> bytes:
    texts = [str(event[name]).encode() if event[name] == str(event[name]) else b"\xff" for name in COLUMNS.split()]
    return sha256(b"audit event 1\n" + b"".join(len(text).to_bytes(4) + text for text in texts)).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def appended(frontier: list[bytes], size: int, digest: bytes) -> None:
    leaf = sha256(b"\x00" + digest).digest()
    while size & 1:
        leaf, size = node(frontier.pop(), leaf), size >> 1
    frontier.append(leaf)


def root_of(frontier: list[bytes]) -> bytes:
    root = frontier[-1] if frontier else sha256().digest()
    for left in reversed(frontier[:-1]):
        root = node(left, root)
    return root


def signed(note: str, verifiers: list[str]) -> list[str]:
    """The lines of a note that one of the keys has signed."""
    text, _, signatures = note.partition("\n\n")
    for verifier in verifiers:
        name, key_id, key = verifier.split("+", 2)
        for _, signer, signature in (line.split(" ") for line in signatures.splitlines()):
            raw = b64decode(signature)
            if signer == name == text.split("\n")[0] and raw[:4].hex() == key_id:
                public = Ed25519PublicKey.from_public_bytes(b64decode(key)[1:])
                try:
                    public.verify(raw[4:], text.encode() + b"\n")
                except InvalidSignature:
                    continue
                return text.split("\n")
    raise ValueError("a checkpoint is signed by none of the keys given")


def reach(note: str, size: int, root: bytes, verifiers: list[str]) -> None:
    _, signed_size, signed_root, *_ = signed(note, verifiers)
    if int(signed_size) != size:
        problems.append(f"the checkpoint of {signed_size} stands behind {size} events: some were added or taken away")
    if b64decode(signed_root) != root:
        problems.append(f"the events before position {size} are not those that were signed")


def verify(lines: gzip.GzipFile, verifiers: list[str]) -> int:
    head = json.loads(lines.readline())
    size, packed, at_checkpoint = head["size"], bytes.fromhex(head["frontier"]), False
    frontier = [packed[at : at + 32] for at in range(0, len(packed), 32)]
    if size:
        reach(head["checkpoint"], size, root_of(frontier), verifiers)
    for line in lines:
        entry = json.loads(line)
        at_checkpoint = "checkpoint" in entry
        if at_checkpoint:
            reach(entry["checkpoint"], size, root_of(frontier), verifiers)
            continue
        digest = digest_of(entry["event"])
        if digest.hex() != entry["event"]["digest"] or entry["position"] != size:
            problems.append(f"event {entry['event']['id']} at position {entry['position']} was changed or moved")
        appended(frontier, size, digest)
        size += 1
    if not at_checkpoint:
        problems.append(f"the file was cut off behind position {size}")
    return size - head["size"]


if __name__ == "__main__":
    try:
        with gzip.open(sys.argv[1]) as opened:
            count = verify(opened, sys.argv[2:])
    except (AttributeError, EOFError, IndexError, KeyError, OSError, TypeError, ValueError, zlib.error) as error:
        sys.exit(f"not verified: {error!r}")
    sys.exit("\n".join(problems) or print(f"{count} events: intact"))
