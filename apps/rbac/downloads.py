"""Lists as CSV files. A download is told about: it takes who has access out of the site."""

import csv
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse

from apps.rbac import signals

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(name: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    signals.tell(signals.list_downloaded, list=name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    csv.writer(response).writerows([defused(cell) for cell in row] for row in [header, *rows])
    return response


def defused(cell: Any) -> str:
    """As text that no spreadsheet takes for a formula (CSV injection, CWE-1236)."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
