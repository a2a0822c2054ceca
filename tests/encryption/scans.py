"""What the tests of encrypted files share."""

from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile

from tests.testapp.models import Scan

PLAIN = b"MARKER of a scan " * 3000  # four chunks


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def make(content: bytes = PLAIN, name: str = "scan.pdf") -> Scan:
    return Scan.objects.create(title="x", file=ContentFile(content, name=name))


def fresh(scan: Scan) -> Scan:
    return Scan.objects.get(pk=scan.pk)


def read(scan: Any) -> bytes:
    with scan.file.open() as file:
        return bytes(file.read())
