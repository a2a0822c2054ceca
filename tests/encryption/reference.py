"""A second implementation of apps/encryption/SPEC.md, written from its text alone, plainly and with a given nonce.

It shares no code with the app: CMAC and HKDF are built here from AES and HMAC. It makes the vectors:
`python -m tests.encryption.reference` writes apps/encryption/vectors/field-v1.json anew, byte for byte the same.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256

VECTORS = Path(__file__).resolve().parent.parent.parent / "apps" / "encryption" / "vectors"
CODEC_BYTES = {
    "text": 0x01,
    "integer": 0x02,
    "decimal": 0x03,
    "float": 0x04,
    "boolean": 0x05,
    "date": 0x06,
    "datetime": 0x07,
    "time": 0x08,
    "duration": 0x09,
    "uuid": 0x0A,
    "json": 0x0B,
    "binary": 0x0C,
}


def lv(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def hkdf(secret: bytes, info: bytes) -> bytes:
    pseudorandom = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(pseudorandom, info + b"\x01", "sha256")


def aes(key: bytes, block: bytes) -> bytes:
    encryptor = Cipher(AES256(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xaes_seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    zero = int.from_bytes(aes(key, bytes(16)), "big")
    subkey = ((zero << 1) ^ (0x87 if zero >> 127 else 0)) & (2**128 - 1)
    halves = [
        aes(key, (int.from_bytes(bytes([0, counter]) + b"X\x00" + nonce[:12], "big") ^ subkey).to_bytes(16, "big"))
        for counter in (1, 2)
    ]
    return AESGCM(b"".join(halves)).encrypt(nonce[12:], plaintext, aad)


def pad(value: bytes) -> bytes:
    size = 16
    while size < len(value) + 1:
        size += 16
    exponent = len(bin(size)) - 3
    step = 2 ** (exponent - (len(bin(exponent)) - 2))
    while size % step:
        size += 1
    return value + b"\x80" + bytes(size - len(value) - 1)


def tag(root: bytes, label: str, index: str, message: bytes) -> bytes:
    key = hkdf(root, b"rampart/index/1" + lv(label.encode()) + lv(index.encode()))
    return hmac.digest(key, message, "sha256")[:16]


def bind_bytes(bind: list[list[str]]) -> bytes:
    return b"".join(lv(name.encode()) + lv(bytes.fromhex(value)) for name, value in bind)


def seal(vector: dict[str, Any]) -> bytes:
    """The cell of a positive vector."""
    label, codec = vector["label"], vector["codec"]
    value = bytes([CODEC_BYTES[codec]]) + bytes.fromhex(vector["encoded"])
    flags, blind = 0x04, b""
    if index := vector.get("index"):
        flags |= 0x01 | (0x10 if index["root_number"] % 2 else 0)
        message = bytes([CODEC_BYTES[codec]]) + bytes.fromhex(index["normalized"])
        blind = tag(bytes.fromhex(index["root"]), label, index["name"], message)
    header = bytes([0x81, flags]) + bytes.fromhex(vector["key_id"]) + blind
    aad = b"rampart/field/1" + header + lv(label.encode()) + lv(codec.encode()) + lv(bind_bytes(vector["bind"]))
    key = hkdf(bytes.fromhex(vector["key"]), b"rampart/field/1" + lv(label.encode()))
    nonce = bytes.fromhex(vector["nonce"])
    return header + nonce + xaes_seal(key, nonce, pad(value), aad)


def fixed(name: str, size: int) -> str:
    """Bytes that look random and are the same each time, as hexadecimal."""
    return hashlib.shake_256(b"rampart vectors " + name.encode()).hexdigest(size)


ROW = fixed("row", 16)
OTHER_ROW = fixed("other row", 16)
VALUES: list[tuple[str, str, Any, str]] = [
    # name, codec, the value as text or JSON, its bytes without the codec byte
    ("empty text", "text", "", ""),
    ("ASCII text", "text", "Ada Lovelace", b"Ada Lovelace".hex()),
    ("text beyond the BMP", "text", "Zoë 🧬 日本", "Zoë 🧬 日本".encode().hex()),
    ("text of 14 characters fills one block", "text", "x" * 14, "78" * 14),
    ("text of 15 characters needs a second block", "text", "x" * 15, "78" * 15),
    ("text of 511 characters is padded by Padmé", "text", "x" * 511, "78" * 511),
    ("text of 5000 characters is padded by Padmé", "text", "x" * 5000, "78" * 5000),
    ("integer 0", "integer", "0", "00"),
    ("integer 127", "integer", "127", "7f"),
    ("integer 128", "integer", "128", "0080"),
    ("integer -1", "integer", "-1", "ff"),
    ("integer -128", "integer", "-128", "80"),
    ("integer -129", "integer", "-129", "ff7f"),
    ("integer 2^63 - 1", "integer", "9223372036854775807", "7fffffffffffffff"),
    ("decimal with trailing zero", "decimal", "1234.50", b"1234.50".hex()),
    ("decimal below zero", "decimal", "-0.05", b"-0.05".hex()),
    ("float", "float", "0.1", "3fb999999999999a"),
    ("boolean true", "boolean", True, "01"),
    ("boolean false", "boolean", False, "00"),
    ("date", "date", "2024-02-29", b"2024-02-29".hex()),
    ("aware datetime, in UTC", "datetime", "2026-01-31T13:00:00+01:00", b"2026-01-31T12:00:00.000000Z".hex()),
    ("time", "time", "23:59:59.000001", b"23:59:59.000001".hex()),
    ("duration", "duration", "-1 00:00:00.000001", "ebe228a001"),
    ("UUID", "uuid", "00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff"),
    ("JSON", "json", {"b": [1, True, None], "a": "é"}, '{"b":[1,true,null],"a":"é"}'.encode().hex()),
    ("binary", "binary", "00ff80", "00ff80"),
]
TAGS: list[tuple[str, str, str, str]] = [
    # normalizer, codec, value, normalized value (text, or bytes as hexadecimal)
    ("identity", "text", " As It Is ", " As It Is "),
    ("identity", "integer", "42", "2a"),
    ("identity", "date", "2024-02-29", "2024-02-29"),
    ("digits-1", "text", "AB 12-34/5", "12345"),
    ("digits-1", "text", "٠١٢ ३४ ５", "012345"),
    ("digits-1", "text", "²½Ⅷ no digits", ""),
    ("nfkc-casefold-1", "text", "  Straße ", "strasse"),
    ("nfkc-casefold-1", "text", "STRASSE", "strasse"),
    ("nfkc-casefold-1", "text", "\u212b", "\u00e5"),
    ("nfkc-casefold-1", "text", "A\u030a", "\u00e5"),
    ("nfkc-casefold-1", "text", "ﬁﬃx", "fiffix"),
    ("nfkc-casefold-1", "text", "\u0130", "i\u0307"),
    ("nfkc-casefold-1", "text", "ＡＢＣ\u3000", "abc"),
    ("email-1", "text", " Ann.Lee@EXAMPLE.org\n", "ann.lee@example.org"),
]


def positive() -> list[dict[str, Any]]:
    found = []
    for number, (name, codec, value, encoded) in enumerate(VALUES):
        label = f"app.model.{codec}"
        vector = {"name": name, "label": label, "codec": codec, "bind": [["pk", "0a" + ROW]], "value": value}
        found.append(vector | {"encoded": encoded, "nonce": fixed(f"nonce {number}", 24)})
    base = {"label": "app.model.text", "codec": "text", "value": "bound", "encoded": b"bound".hex()}
    binds = {
        "not bound": [],
        "bound to a whole number": [["pk", "022a0f"]],
        "bound to text": [["pk", "01" + "clé".encode().hex()]],
        "bound to two columns": [["tenant", "0a" + OTHER_ROW], ["code", "01" + b"A-1".hex()]],
    }
    found += [base | {"name": name, "bind": bind, "nonce": fixed(name, 24)} for name, bind in binds.items()]
    for number in (1, 2):
        index = {"name": "digits-1", "root": fixed("index root", 32), "root_number": number, "normalized": "31323334"}
        named = {"name": f"searchable, index root number {number}", "value": "12-34", "encoded": b"12-34".hex()}
        found.append(
            base | named | {"bind": [["pk", "0a" + ROW]], "nonce": fixed(f"tagged {number}", 24), "index": index}
        )
    for vector in found:
        vector |= {"key_id": fixed("key id", 4), "key": fixed("key", 32)}
        vector["cell"] = seal(vector).hex()
    return found


def negative() -> list[dict[str, Any]]:
    good = next(vector for vector in positive() if vector["name"] == "searchable, index root number 1")
    cell = bytes.fromhex(good["cell"])

    def altered(name: str, error: str, changed: bytes = cell, **context: Any) -> dict[str, Any]:
        return good | {"name": name, "error": error, "cell": changed.hex()} | context

    def with_byte(position: int, value: int) -> bytes:
        return cell[:position] + bytes([value]) + cell[position + 1 :]

    flags = {"subject": 0x02, "no padding": 0x00, "padding 2": 0x08, "padding 3": 0x0C, "bit 5": 0x20, "bit 7": 0x80}
    found = [altered(f"flags: {name}", "UnknownFormat", with_byte(1, value & 0xFF)) for name, value in flags.items()]
    found += [
        altered(f"flags: {hex(bit)} added", "UnknownFormat", with_byte(1, cell[1] | bit)) for bit in (2, 8, 32, 64, 128)
    ]
    return [
        *found,
        altered("flags: root parity without a tag", "UnknownFormat", with_byte(1, 0x14)),
        altered("flags: the other root's parity", "OpenFailed", with_byte(1, 0x05)),
        altered("flags: tag taken off", "OpenFailed", with_byte(1, 0x04)),
        altered("another column of the row", "OpenFailed", label="app.model.other"),
        altered("another row", "OpenFailed", bind=[["pk", "0a" + OTHER_ROW]]),
        altered("a row number instead of a UUID", "OpenFailed", bind=[["pk", "022a"]]),
        altered("another name for the bound column", "OpenFailed", bind=[["id", "0a" + ROW]]),
        altered("not bound", "OpenFailed", bind=[]),
        altered("another codec", "OpenFailed", codec="binary"),
        altered("another key of the same id", "OpenFailed", key=fixed("another key", 32)),
        altered("a key that is not in the ring", "KeyUnavailable", with_byte(2, cell[2] ^ 1)),
        altered("another row's tag", "OpenFailed", with_byte(6, cell[6] ^ 1)),
        altered("nonce changed in N1", "OpenFailed", with_byte(22, cell[22] ^ 1)),
        altered("nonce changed in N2", "OpenFailed", with_byte(34, cell[34] ^ 1)),
        altered("ciphertext changed", "OpenFailed", with_byte(46, cell[46] ^ 1)),
        altered("GCM tag changed", "OpenFailed", with_byte(len(cell) - 1, cell[-1] ^ 1)),
        altered("one byte cut off", "OpenFailed", cell[:-1]),
        altered("cut off in the nonce", "OpenFailed", cell[:30]),
        altered("cut off in the header", "OpenFailed", cell[:10]),
        altered("one byte added", "OpenFailed", cell + b"\0"),
        altered("another format", "UnknownFormat", with_byte(0, 0x82)),
        altered("one byte", "UnknownFormat", cell[:1]),
        altered("no bytes", "NotSealed", b""),
        altered("text in the column", "NotSealed", b"Ada Lovelace"),
        altered("UTF-8 text in the column", "NotSealed", "Élodie".encode()),
    ]


def tags() -> list[dict[str, Any]]:
    found = []
    for normalizer, codec, value, normalized in TAGS:
        encoded = normalized if codec == "integer" else normalized.encode().hex()
        label, root = f"app.model.{codec}", fixed("index root", 32)
        blind = tag(bytes.fromhex(root), label, normalizer, bytes([CODEC_BYTES[codec]]) + bytes.fromhex(encoded))
        found.append(
            {"normalizer": normalizer, "label": label, "codec": codec, "value": value, "root": root}
            | {"normalized": encoded, "tag": blind.hex()}
        )
    return found


def short_tags() -> list[dict[str, Any]]:
    """Bit by bit, unlike the code that is tested."""
    found = []
    for bits in (1, 7, 8, 13, 64):
        root, label, normalized = fixed("index root", 32), "app.model.text", b"bern"
        whole = tag(bytes.fromhex(root), label, f"nfkc-casefold-1/{bits}", b"\x01" + normalized)
        kept = "".join(f"{byte:08b}" for byte in whole)[:bits].ljust(128, "0")
        found.append(
            {
                "normalizer": "nfkc-casefold-1",
                "bits": bits,
                "label": label,
                "codec": "text",
                "value": " Bern",
                "root": root,
            }
            | {"normalized": normalized.hex(), "tag": f"{int(kept, 2):032x}"}
        )
    return found


def field_vectors() -> str:
    about = (
        "Vectors of SPEC.md. All bytes are hexadecimal. `bind` is a list of name and codec byte with value; `encoded` "
        "and `normalized` are values without their codec byte. A reader must open each cell of `positive` to its "
        "value, must refuse each of `negative` for the reason given, and must make each tag of `tags` and, cut to "
        "`bits`, of `short_tags`."
    )
    document = {"about": about, "positive": positive(), "negative": negative(), "tags": tags()}
    document["short_tags"] = short_tags()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (VECTORS / "field-v1.json").write_text(field_vectors(), encoding="utf-8")
