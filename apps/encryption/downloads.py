"""The response that gives out an encrypted file to someone who may have it. Who may is for the view to ask first.

    def scan(request, pk):
        record = access_or_404(request, Record.objects.all(), pk, "records.view_record")
        return download(request, record.scan, filename=record.scan_name)

Pieces are opened as they are sent, and none is sent that does not authenticate: if one is damaged, the connection
breaks off before it, which the announced length shows.
"""

import hashlib
import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from apps.encryption.cobblestone import Reader
from apps.encryption.files import EncryptedFieldFile

SHOWN = ("image/avif", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain")  # can't run anything
HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store, private",
    # Were it a page after all, it could do nothing: no script, no form, and none of this site's origin.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
ONE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)


def download(
    request: HttpRequest,
    file: EncryptedFieldFile,
    *,
    filename: str = "",
    content_type: str = "application/octet-stream",
    inline: bool = False,
) -> HttpResponseBase:
    """The file, or the range of bytes of it that was asked for (RFC 9110, section 14; one range, else all).

    `inline` shows it in the browser if `content_type` is one that can't run anything; any other is saved. Raises
    ValueError if there is no file, and what opening it raises.
    """
    reader = file.open_reader()
    shown = inline and content_type.partition(";")[0].strip().lower() in SHOWN
    headers = {**HEADERS, "Content-Type": content_type, "ETag": etag(reader)}
    printable = "".join(character for character in filename if character.isprintable())
    headers["Content-Disposition"] = str(content_disposition_header(not shown, printable or "download"))
    part = asked_range(request, headers["ETag"], reader.size)
    if part is None:
        return _sent(request, reader, range(reader.size), headers, status=200)
    if not part:
        reader.close()
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{reader.size}"})
    headers["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{reader.size}"
    return _sent(request, reader, part, headers, status=206)


def etag(reader: Reader) -> str:
    """Of this very ciphertext: its salt is drawn anew each time a file is sealed."""
    return f'"{hashlib.sha256(reader.salt).hexdigest()[:32]}"'


def asked_range(request: HttpRequest, tag: str, size: int) -> range | None:
    """The bytes that Range asks for: None for all of them, an empty range if there are none such."""
    match = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or not match or request.headers.get("If-Range", tag) != tag:
        return None
    first, last = match.groups()
    if len(first) > 20 or len(last) > 20 or not (first or last):
        return None
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def _sent(
    request: HttpRequest, reader: Reader, part: range, headers: dict[str, str], *, status: int
) -> HttpResponseBase:
    headers["Content-Length"] = str(len(part))
    if request.method == "HEAD":
        reader.close()
        return HttpResponse(status=status, headers=headers)
    response = StreamingHttpResponse(reader.pieces(part.start, part.stop), status=status, headers=headers)
    response._resource_closers.append(reader.close)  # type: ignore[attr-defined]  # whether somebody reads on or not
    return response
