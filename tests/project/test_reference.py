"""The pages to look things up in say what the code says: settings, roles, pages, audit actions, tests."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.conf import global_settings
from django.urls import get_resolver

from apps.audit.actions import Action, registered
from apps.rbac.policies import policy_of, walk
from apps.rbac.roles import Role, registry
from config.settings import base
from tests.project.tree import ROOT, files

DOCUMENTS = ROOT / "docs"
OTHERS = ("ACCOUNT_", "ALLAUTH_", "ANONYMOUS_", "AXES_", "GUARDIAN_", "WHITENOISE_")  # described by their packages
DJANGOS = {"MAILERS", "ROOT_URLCONF"}  # which its global_settings do not hold
NO_SETTINGS = {"BASE_DIR", "CSP", "SHARED_PROCESSORS"}  # what star imports carry along

KIT = {"accounts", "audit", "encryption", "hardening", "rbac", "records"}  # an adopter's apps have pages of their own

needs_sample = pytest.mark.skipif(
    not (ROOT / "apps" / "records").exists(), reason="the documents show the sample, which is removed"
)


def text(name: str) -> str:
    return (DOCUMENTS / name).read_text()


def of_kit(name: str) -> bool:
    """Of a permission, an action or a module of the kit or its sample, and not of an adopter's app or of the tests."""
    first, _, rest = name.removeprefix("apps.").partition(".")
    return first in KIT or (first == "config" and bool(rest))


def code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def action_rows() -> Iterator[str]:
    for action in registered().values():
        if of_kit(action.name):
            yield action_row(action)


def action_row(action: Action) -> str:
    wording = re.sub(r"\{(\S+?)\}", r"*\1*", action.wording).replace("*details.", "*")
    return f"| `{action.name}` | {wording} | {action.category} | {action.severity} | {action.audience} |"


def role_row(role: type[Role]) -> str:
    scope = f"one `{role.scope}`" if role.scope else "everything"
    granted = filter(of_kit, sorted(registry.permissions(role.slug)))
    return f"| `{role.slug}` | {role.label} | {scope} | {code(granted)} |"


def role_rows() -> Iterator[str]:
    for _, role in sorted(registry.roles.items()):
        if of_kit(role.__module__):
            yield role_row(role)


def page_rows() -> Iterator[str]:
    for name, route, pattern in walk(get_resolver().url_patterns):
        if of_kit(pattern.callback.__module__):
            yield f"| `/{route}` | `{name}` | {who(pattern.callback)} |"


def who(view: Callable[..., Any]) -> str:
    policy = policy_of(view)
    if policy is None or not policy.login_required:
        return "everybody"
    asked = [f"`{rule.permission}`" + (" on it" if rule.on else "") for rule in policy.permissions()]
    return " or ".join(asked) or "whoever is signed in"


def missing(rows: Iterator[str], page: str) -> list[str]:
    there = set(text(page).splitlines())
    return [row for row in rows if row not in there]


@needs_sample
def test_every_audit_action_is_listed_as_it_is() -> None:
    if os.environ.get("WRITE_AUDIT_ACTIONS"):
        page = DOCUMENTS / "reference/audit-actions.md"
        before, head, _ = page.read_text().partition("|---|---|---|---|---|\n")
        page.write_text(before + head + "\n".join(action_rows()) + "\n")
    assert "\n".join(missing(action_rows(), "reference/audit-actions.md")) == ""


@needs_sample
def test_no_audit_action_is_listed_that_does_not_exist() -> None:
    listed = [line for line in text("reference/audit-actions.md").splitlines() if line.startswith("| `")]
    assert len(listed) == len(list(action_rows()))


@needs_sample
def test_every_role_is_listed_with_what_it_grants() -> None:
    assert "\n".join(missing(role_rows(), "reference/names.md")) == ""


@needs_sample
def test_every_page_is_listed_with_who_may_open_it() -> None:
    assert "\n".join(missing(page_rows(), "reference/names.md")) == ""


def test_every_setting_of_the_kit_is_described() -> None:
    names = {name for name in dir(base) if name.isupper() and not hasattr(global_settings, name)}
    undescribed = {
        name
        for name in names - DJANGOS - NO_SETTINGS
        if not name.startswith(OTHERS) and f"| `{name}`" not in text("reference/settings.md")
    }
    assert undescribed == set()


def test_every_variable_is_described() -> None:
    variables = re.findall(r"^#?([A-Z_]+?)(?:_FILE)?=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [name for name in variables if f"| `{name}`" not in text("reference/settings.md")] == []


@needs_sample
def test_every_test_that_a_document_names_exists() -> None:
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for document in files(suffix=".md"):
        for name in re.findall(r"`(test_\w+)`", (ROOT / document).read_text()):
            assert f"def {name}(" in tests, f"{document} names {name}"


@needs_sample
def test_every_file_and_folder_that_a_document_names_exists() -> None:
    kept = re.compile(r"`((?:apps|config|tests|templates|deploy|docs|static)/[\w./-]+)`")
    for document in files(suffix=".md"):
        for path in kept.findall((ROOT / document).read_text()):
            if "patients" not in path:  # what the reader of the tutorial makes
                assert (ROOT / path).exists(), f"{document} names {path}"
