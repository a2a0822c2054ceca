"""A second implementation of files in apps/encryption/SPEC.md, section 9, and of Cobblestone-256, with a given salt.

`python -m tests.encryption.reference_files` writes apps/encryption/vectors/file-v1.json anew, byte for byte the same.
"""

import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.encryption.reference import OTHER_ROW, ROW, VECTORS, fixed, hkdf, lv

CHUNK = 16384


def cobblestone_seal(key: bytes, salt: bytes, context: bytes, plaintext: bytes) -> bytes:
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    first = hmac.digest(key, info + b"\x01", "sha512")
    okm = first + hmac.digest(key, first + info + b"\x02", "sha512")
    chunks = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext) + 1, CHUNK)]
    nonces = [(int.from_bytes(okm[32:44], "big") ^ number).to_bytes(12, "big") for number in range(len(chunks))]
    cipher = AESGCM(okm[:32])
    sealed = [cipher.encrypt(nonce, chunk, None) for nonce, chunk in zip(nonces, chunks, strict=True)]
    return salt + okm[44:76] + b"".join(sealed)


def seal(vector: dict[str, Any]) -> bytes:
    label = vector["label"].encode()
    bind = b"".join(lv(name.encode()) + lv(bytes.fromhex(value)) for name, value in vector["bind"])
    key = hkdf(bytes.fromhex(vector["key"]), b"rampart/file/1" + lv(label))
    context = b"rampart/file/1" + lv(label) + lv(bind)
    message = cobblestone_seal(
        key, bytes.fromhex(vector["salt"]), context, bytes.fromhex(vector["content"]) * vector["times"]
    )
    return b"RMPF\x01\x00" + bytes.fromhex(vector["key_id"]) + message


def positive() -> list[dict[str, Any]]:
    contents = {"empty": b"", "short": b"the content of a file", "one whole chunk": bytes(1)}
    binds = {"not bound": [], "bound to two columns": [["tenant", "0a" + OTHER_ROW], ["code", "01" + b"A-1".hex()]]}
    found: list[dict[str, Any]] = [
        {"name": name, "bind": [["pk", "0a" + ROW]], "content": content.hex()} for name, content in contents.items()
    ]
    found += [{"name": name, "bind": bind, "content": b"bound".hex()} for name, bind in binds.items()]
    for vector in found:
        vector |= {"label": "app.model.scan", "key_id": fixed("key id", 4), "key": fixed("key", 32)}
        vector["times"] = CHUNK if vector["name"] == "one whole chunk" else 1
        vector["salt"] = fixed("salt " + vector["name"], 24)
        vector["file"] = seal(vector).hex()
    return found


def negative() -> list[dict[str, Any]]:
    good = next(vector for vector in positive() if vector["name"] == "short")
    long = next(vector for vector in positive() if vector["name"] == "one whole chunk")
    file = bytes.fromhex(good["file"])

    def altered(name: str, error: str, changed: bytes = file, **context: Any) -> dict[str, Any]:
        return good | {"name": name, "error": error, "file": changed.hex()} | context

    def with_byte(position: int, value: int) -> bytes:
        return file[:position] + bytes([value]) + file[position + 1 :]

    return [
        altered("another magic", "NotSealed", with_byte(3, 0x47)),
        altered("no bytes", "NotSealed", b""),
        altered("cut off in the header", "NotSealed", file[:9]),
        altered("a PDF", "NotSealed", b"%PDF-1.7 and so on"),
        altered("another version", "UnknownFormat", with_byte(4, 2)),
        altered("a flag", "UnknownFormat", with_byte(5, 1)),
        altered("a key that is not in the ring", "KeyUnavailable", with_byte(9, file[9] ^ 1)),
        altered("another key of the same id", "OpenFailed", key=fixed("another key", 32)),
        altered("another field", "OpenFailed", label="app.model.photo"),
        altered("another row", "OpenFailed", bind=[["pk", "0a" + OTHER_ROW]]),
        altered("not bound", "OpenFailed", bind=[]),
        altered("salt changed", "OpenFailed", with_byte(10, file[10] ^ 1)),
        altered("commitment changed", "OpenFailed", with_byte(34, file[34] ^ 1)),
        altered("content changed", "OpenFailed", with_byte(66, file[66] ^ 1)),
        altered("one byte cut off", "OpenFailed", file[:-1]),
        altered("one byte added", "OpenFailed", file + b"\0"),
        altered("header alone", "OpenFailed", file[:10]),
        long | {"name": "the last chunk cut off", "error": "OpenFailed", "file": long["file"][:-32]},
    ]


def file_vectors() -> str:
    about = (
        "Vectors of SPEC.md, section 9. All bytes are hexadecimal; `bind` as in field-v1.json. A reader must open each "
        "file of `positive` to its content, `times` times over, and refuse each of `negative` for the reason given."
    )
    return json.dumps({"about": about, "positive": positive(), "negative": negative()}, indent=1) + "\n"


if __name__ == "__main__":
    (VECTORS / "file-v1.json").write_text(file_vectors(), encoding="utf-8")
