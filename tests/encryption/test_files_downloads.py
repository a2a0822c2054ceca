"""Downloads of encrypted files, in whole and in part, and the memory that sealing and opening take."""

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.http import HttpResponse
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.test import RequestFactory

from apps.encryption.cobblestone import CHUNK
from apps.encryption.downloads import download
from apps.encryption.envelope import lv
from apps.encryption.errors import OpenFailed, TooLarge
from apps.encryption.files import EncryptedFieldFile
from apps.encryption.storage import SealedStorage
from tests.testapp.models import Scan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PLAIN = bytes(range(256)) * 200  # four chunks
SIZE = len(PLAIN)


@pytest.fixture
def scan() -> Scan:
    return Scan.objects.create(title="x", file=ContentFile(PLAIN, name="scan.pdf"))


def ask(scan: Scan, *, method: str = "GET", headers: dict[str, str] | None = None, **options: Any) -> Any:
    return download(RequestFactory().generic(method, "/", headers=headers or {}), scan.file, **options)


def body(response: Any) -> bytes:
    content = b"".join(response.streaming_content) if response.streaming else bytes(response.content)
    response.close()
    return content


# Downloads


@pytest.mark.asvs("3.2.1", "5.4.1", "14.3.2")
def test_the_whole_file_comes_with_headers_that_keep_it_a_file(scan: Scan) -> None:
    response = ask(scan, filename="Scan.pdf")
    assert response.status_code == 200
    assert response["Content-Length"] == str(SIZE)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="Scan.pdf"'
    assert "sandbox" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert response["Accept-Ranges"] == "bytes"
    assert body(response) == PLAIN


def test_the_site_wide_policy_does_not_replace_the_sandbox(scan: Scan) -> None:
    response: Any = ContentSecurityPolicyMiddleware(lambda request: download(request, scan.file))(
        RequestFactory().get("/")
    )
    assert response["Content-Security-Policy"].endswith("sandbox")
    response.close()


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, SIZE),
        ("bytes=5-9", 5, 10),
        (f"bytes={CHUNK - 1}-{CHUNK}", CHUNK - 1, CHUNK + 1),
        (f"bytes={SIZE - 1}-{SIZE + 100}", SIZE - 1, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        ("bytes=-9999999", 0, SIZE),
        ("Bytes= 1-2", 1, 3),
    ],
)
def test_a_range_is_sent_as_asked(asked: str, start: int, stop: int, scan: Scan) -> None:
    response = ask(scan, headers={"range": asked})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert response["Content-Length"] == str(stop - start)
    assert body(response) == PLAIN[start:stop]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_beyond_the_end_can_not_be_sent(asked: str, scan: Scan) -> None:
    response = ask(scan, headers={"range": asked})
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert body(response) == b""


@pytest.mark.parametrize(
    "asked", ["", "bytes", "bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes=٣-٤",
              "bytes=" + "9" * 5000 + "-"]
)  # fmt: skip
def test_what_is_no_single_range_gets_the_whole_file(asked: str, scan: Scan) -> None:
    assert body(response := ask(scan, headers={"range": asked})) == PLAIN
    assert response.status_code == 200


def test_a_range_of_a_file_that_has_changed_gets_the_whole_new_one(scan: Scan) -> None:
    tag = ask(scan)["ETag"]
    part = {"range": "bytes=0-4"}
    assert ask(scan, headers={**part, "if-range": tag}).status_code == 206
    scan.file.save("b.pdf", ContentFile(b"another"))
    response = ask(scan, headers={**part, "if-range": tag})
    assert (response.status_code, body(response)) == (200, b"another")
    assert response["ETag"] != tag


def test_head_sends_the_headers_alone(scan: Scan) -> None:
    response = ask(scan, method="HEAD", headers={"range": "bytes=0-4"})
    assert (response.status_code, response["Content-Length"]) == (200, str(SIZE))
    assert body(response) == b""


def test_an_empty_file_is_sent() -> None:
    scan = Scan.objects.create(file=ContentFile(b"", name="a.txt"))
    assert body(ask(scan)) == b""
    assert ask(scan, headers={"range": "bytes=0-"}).status_code == 416


@pytest.mark.asvs("5.4.2")
@pytest.mark.parametrize("name", ['a";x="b.pdf', "a\r\nSet-Cookie: a=b", "Zoë 🧬.pdf", "", "a\\b"])
def test_no_file_name_breaks_the_header(name: str, scan: Scan) -> None:
    disposition = ask(scan, filename=name)["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii()
    assert not {"\r", "\n"} & set(disposition)


@pytest.mark.asvs("3.2.1")
@pytest.mark.parametrize(
    ("content_type", "shown"),
    [("image/png", True), ("text/plain; charset=utf-8", True), ("text/html", False), ("image/svg+xml", False)],
)
def test_only_what_can_not_run_is_shown_in_the_browser(content_type: str, shown: bool, scan: Scan) -> None:
    response = ask(scan, content_type=content_type, inline=True, filename="a")
    assert response["Content-Disposition"].startswith("inline" if shown else "attachment")


def test_a_damaged_file_breaks_off_before_the_damage(scan: Scan, folder: Path) -> None:
    path = folder / str(scan.file.name)
    damaged = bytearray(path.read_bytes())
    damaged[66 + 2 * (CHUNK + 16)] ^= 1
    path.write_bytes(damaged)
    sent = iter(ask(scan).streaming_content)
    assert next(sent) + next(sent) == PLAIN[: 2 * CHUNK]
    with pytest.raises(OpenFailed):
        next(sent)


def test_nothing_is_sent_of_a_file_that_is_not_this_rows(scan: Scan) -> None:
    scan.file.name = Scan.objects.create(file=ContentFile(b"b", "b.pdf")).file.name
    with pytest.raises(OpenFailed):
        ask(scan)


def test_a_response_that_nobody_reads_closes_the_file(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = scan.file.open_reader()
    monkeypatch.setattr(EncryptedFieldFile, "open_reader", lambda _: reader)
    ask(scan).close()
    assert reader.closed


# Memory


class Endless(io.RawIOBase):
    """As many zeros as asked for, without holding them."""

    def __init__(self, size: int) -> None:
        self.size, self.left = size, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self.left = self.size
        return 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = bytes(min(size or 0, self.left))
        self.left -= len(found)
        return found


def peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    storage = SealedStorage(FileSystemStorage(folder), label="test.memory", bind=lv(b""), owner=Scan())

    def write(size: int) -> str:
        source: Any = Endless(size)
        return storage.save("a", File(source, "a"))

    def drain(name: str) -> None:
        with storage.reader(name) as reader:
            assert sum(map(len, reader.pieces(0, 2**40))) == reader.size

    write(1000)
    assert peak(lambda: write(32 << 20)) < 400 * 1024  # most of it is Django's: it copies in pieces of 64 KiB
    drain(name := write(32 << 20))
    assert peak(lambda: drain(name)) < 160 * 1024


def test_what_goes_on_after_its_size_is_not_read_on(folder: Path) -> None:
    source: Any = Endless(1 << 30)
    content = File(source, "a")
    content.size = 10
    storage = SealedStorage(FileSystemStorage(folder), label="test.memory", bind=lv(b""), owner=Scan())
    with pytest.raises(TooLarge):
        storage.save("a", content)
    assert source.left > 1 << 29


def test_a_response_is_no_larger_than_its_pieces(scan: Scan) -> None:
    response: Any = ask(scan)
    assert isinstance(response, HttpResponse) is False
    assert max(len(piece) for piece in response.streaming_content) <= CHUNK
    response.close()
