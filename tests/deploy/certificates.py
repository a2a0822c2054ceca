"""A throw-away authority and a server's certificate, made by openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.services.temporary_postgres import Certificate

NAMES = "DNS:app.example.org,DNS:localhost,IP:127.0.0.1"


class Authority(NamedTuple):
    certificate: Path
    server: Certificate


def issue(folder: Path) -> Authority:
    """Files in `folder`, good for two days and for NAMES. A server's certificate must be no authority itself."""
    authority, authority_key = folder / "authority.crt", folder / "authority.key"
    chain, key = folder / "server.crt", folder / "server.key"
    make(
        "Test authority", authority, authority_key, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"
    )
    signed_by = ("-CA", str(authority), "-CAkey", str(authority_key))
    may = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth")
    make("Server", chain, key, *may, f"subjectAltName={NAMES}", signed_by=signed_by)
    return Authority(authority, Certificate(chain, key))


def make(name: str, certificate: Path, key: Path, *extensions: str, signed_by: tuple[str, ...] = ()) -> None:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    added = [part for extension in extensions for part in ("-addext", extension)]
    command = ["openssl", "req", "-x509", *curve, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *added, *signed_by], check=True, capture_output=True)
