"""What each page must offer to everybody (WCAG 2.2). With AXE_CORE=…/axe.min.js, axe-core's rules besides."""

import os
from pathlib import Path

from playwright.sync_api import Page

SMALL_TARGETS = """() => [...document.querySelectorAll("a.button, button, input, select, textarea, nav a, .account a")]
    .filter((each) => each.checkVisibility() && !["checkbox", "radio", "hidden"].includes(each.type))
    .filter((each) => each.getBoundingClientRect().height < 44)
    .map((each) => each.outerHTML)"""
UNLABELED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter((each) => each.checkVisibility() && !each.labels.length && !each.ariaLabel)
    .map((each) => each.outerHTML)"""
DANGLING = """() => ["aria-describedby", "aria-labelledby"]
    .flatMap((name) => [...document.querySelectorAll(`[${name}]`)].map((each) => each.getAttribute(name)))
    .flatMap((ids) => ids.split(" "))
    .filter((id) => id && !document.getElementById(id))"""
WIDER_THAN_THE_SCREEN = "() => [document.documentElement.scrollWidth].filter((width) => width > innerWidth)"
LANDMARKS = ["header", "main", "footer", "h1"]
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def findings(page: Page) -> list[str]:
    """What is wrong with the page, in words; empty when nothing is found."""
    found = [f"{len(page.locator(each).all())} times <{each}>" for each in LANDMARKS if page.locator(each).count() != 1]
    for rule in (SMALL_TARGETS, UNLABELED, DANGLING, WIDER_THAN_THE_SCREEN):
        found += [str(each) for each in page.evaluate(rule)]
    return found + axe(page)


def axe(page: Page) -> list[str]:
    if not (source := os.environ.get("AXE_CORE")):
        return []
    page.evaluate(Path(source).read_text())
    answer = page.evaluate("(options) => axe.run(options)", STANDARD)
    broken = [(rule["id"], node) for rule in answer["violations"] for node in rule["nodes"]]
    return [f"{rule}: {node['html']} {node['failureSummary']}" for rule, node in broken]
