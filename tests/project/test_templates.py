"""Templates compile, and hold nothing that the content security policy would block or that escapes escaping."""

import re
from pathlib import Path

import pytest
from django.template import engines

from tests.project.tree import files, lines

FORBIDDEN = {
    "a style attribute (the policy blocks it: write a class)": r"<[^>]*\sstyle\s*=",
    "an event handler (the policy blocks it: use a module in static/)": r"<[^>]*\son[a-z]+\s*=",
    "a script or style of its own (the policy blocks it)": r"<style\b|<script\b(?![^>]*\ssrc=)",
    "unescaped output": r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+off",
    "a file from elsewhere": r"""(src|href|action)\s*=\s*["'](https?:)?//""",
    "an inline image": r"""(src|href)\s*=\s*["']data:""",
    "a link that runs code": r"javascript:",
}
ALLOWED = {
    # Help texts come from code, never from users; those of Django's password validators are lists in HTML.
    ("templates/django/forms/field.html", "unescaped output"),
}
TEMPLATES = [path for path in files("templates", "apps", suffix="") if "templates" in path.parts and path.suffix]


def loaded_as(path: Path) -> str:
    return "/".join(path.parts[path.parts.index("templates") + 1 :])


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_every_template_compiles(path: Path) -> None:
    engines["django"].get_template(loaded_as(path))


@pytest.mark.asvs("3.4.3")
@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.suffix == ".html"], ids=str)
def test_no_template_holds_what_the_policy_forbids(path: Path) -> None:
    text = "\n".join(lines(path))
    found = {(str(path), what) for what, pattern in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)}
    assert found - ALLOWED == set()


@pytest.mark.parametrize("path", list(files("static", suffix=".css")), ids=str)
def test_no_style_sheet_loads_from_elsewhere(path: Path) -> None:
    assert re.findall(r"url\(\s*[\"']?(https?:|//|data:)|@import", "\n".join(lines(path))) == []
