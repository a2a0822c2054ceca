"""What the documents say is so: links lead somewhere, commands exist, every variable is described."""

import re
from pathlib import Path

import pytest

from tests.project.tree import ROOT, files, lines, python_files

DOCUMENTS = list(files(suffix=".md"))
MOST_LINES_OF_THE_README = 150
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
READ = re.compile(
    r"""env\.(?:text|secrets?|ring|boolean|integer|addresses|hosts|networks|url|database|mailer)\(\s*"([A-Z_]+)\""""
)


def text(path: Path) -> str:
    return (ROOT / path).read_text()


def anchors(path: Path) -> set[str]:
    """The ids that headings get: lower case, spaces to hyphens, punctuation dropped."""
    titles = re.findall(r"^#+ (.+)$", text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target, anchor in LINK.findall(text(document)):
        path = (ROOT / document).parent / target if target else ROOT / document
        assert path.exists(), f"{document} links to {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.resolve().relative_to(ROOT)), f"{document} links to {target}#{anchor}"


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len(lines(Path("README.md"))) <= MOST_LINES_OF_THE_README


def test_every_make_command_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(Path("Makefile")), re.MULTILINE))
    named = {
        (str(document), name)
        for document in DOCUMENTS
        for name in re.findall(r"(?:`|^\s*|\$ )make ([a-z-]+)", text(document), re.MULTILINE)
    }
    assert {(document, name) for document, name in named if name not in targets} == set()


def test_every_management_command_that_a_document_names_exists() -> None:
    from django.core.management import get_commands

    named = {name for document in DOCUMENTS for name in re.findall(r"manage\.py ([a-z_]+)", text(document))}
    assert named - set(get_commands()) == set()


def test_every_variable_that_the_settings_read_is_described() -> None:
    described = set(re.findall(r"^#?([A-Z_]+?)(?:_FILE)?=", text(Path(".env.example")), re.MULTILINE))
    read = {name for path in python_files("config") for name in READ.findall(text(path))}
    assert read, "no variable is read: has the way of reading changed?"
    assert read - described == set()
    assert described - read - {"DJANGO_SETTINGS_MODULE"} == set()
