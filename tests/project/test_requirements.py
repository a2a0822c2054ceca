"""What is installed is what was reviewed: exact versions, each with its hashes, from wherever the machine gets them."""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = ("kms", "otlp", "vault")
LOCKS = ("runtime", "dev", *EXTRAS)


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def pinned(lock: str) -> Iterator[Requirement]:
    for line in text(lock).replace("\\\n", "").splitlines():
        yield Requirement(line.partition(" --hash")[0].strip())


def versions(lock: str) -> dict[str, set[str]]:
    """Each package with its version; it has several when they depend on the Python that runs."""
    found: dict[str, set[str]] = {}
    for requirement in pinned(lock):
        found.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return found


def unmet(wanted: list[str], lock: str) -> list[str]:
    locked = versions(lock)
    return [
        each
        for each in wanted
        if not (found := locked.get(canonicalize_name(Requirement(each).name)))
        or not all(Requirement(each).specifier.contains(version.removeprefix("==")) for version in found)
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"https?:|://|--(extra-)?index-url|--find-links|file:", text(lock)) == []


@pytest.mark.asvs("15.2.1")
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_to_one_version_and_to_its_hashes(lock: str) -> None:
    assert all(re.fullmatch(r"==[^*,]+", str(requirement.specifier)) for requirement in pinned(lock))
    starts = [match.start() for match in re.finditer(r"^\S", text(lock), re.MULTILINE)] + [len(text(lock))]
    assert all("--hash=sha256:" in text(lock)[start:end] for start, end in pairwise(starts))


def test_the_locks_hold_what_the_project_asks_for() -> None:
    assert unmet(PROJECT["project"]["dependencies"], "runtime") == []
    assert unmet(PROJECT["dependency-groups"]["dev"], "dev") == []


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_lock_of_an_extra_holds_what_the_site_needs_and_the_extra(extra: str) -> None:
    assert unmet(PROJECT["project"]["optional-dependencies"][extra], extra) == []
    assert versions("runtime").items() <= versions(extra).items()


def test_what_is_optional_is_not_installed_to_run_the_site() -> None:
    """`make demo` installs runtime.txt and no more."""
    named = [Requirement(each).name for extra in EXTRAS for each in PROJECT["project"]["optional-dependencies"][extra]]
    assert set(named) & versions("runtime").keys() == set()


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "dev"])
def test_tests_run_with_the_versions_that_run_in_production(lock: str) -> None:
    """And so one .venv serves both: dev.txt holds all of runtime.txt, and of the extras."""
    dev = versions("dev")
    assert {name: version for name, version in versions(lock).items() if dev.get(name) != version} == {}
