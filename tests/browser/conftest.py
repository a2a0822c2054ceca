"""A real browser. `SCREENSHOTS=1` keeps pictures in var/screenshots/; `CHROMIUM` names the program to run."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, expect, sync_playwright

from apps.accounts.models import User
from tests.conftest import MakeUser

PASSWORD = "a long enough password 4711"  # of accounts that live as long as a test
WAIT = 15_000  # milliseconds, for a slow machine
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "screenshots"

Scheme = Literal["light", "dark"]


@dataclass
class Looks:
    """How the visitor looks at the site."""

    scheme: Scheme
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


@dataclass
class Visitor:
    """One person's browser window. What the console complains of is kept: a broken policy shows only there."""

    page: Page
    site: str
    looks: Looks
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self.listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def listen(self, message: ConsoleMessage) -> None:
        a_refused_page = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not a_refused_page:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> int:
        """Go there, and return the status of the answer."""
        answer = self.page.goto(self.site + path)
        assert answer is not None
        return answer.status

    def sign_in(self, name: str) -> None:
        self.open("/accounts/login/")
        self.page.get_by_label("Email").fill(f"{name}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def picture(self, name: str) -> None:
        if os.environ.get("SCREENSHOTS"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}-{self.looks}.png", full_page=True)


MakeMember = Callable[[str, str | None], User]
NewVisitor = Callable[[], Visitor]
Drive = Callable[[Callable[[NewVisitor], None]], None]


@pytest.fixture
def make_member(transactional_db: None, make_user: MakeUser) -> MakeMember:
    """`make_member("ana", "admin")`: Ana, an administrator, who can sign in with PASSWORD."""

    def make(name: str, role: str | None = None) -> User:
        user = make_user(email=f"{name}@example.org", password=PASSWORD, role=role)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    return make


@pytest.fixture(scope="session")
def browser_thread() -> Iterator[ThreadPoolExecutor]:
    """Playwright runs an event loop, where Django rightly refuses to ask the database: each has a thread."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser") as thread:
        yield thread


@pytest.fixture(scope="session")
def browser(browser_thread: ThreadPoolExecutor) -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: install it, or set CHROMIUM to the program")
    # Root, as in a container, has no sandbox to give.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    manager = sync_playwright()
    playwright = browser_thread.submit(manager.start).result()
    expect.set_options(timeout=WAIT)
    yield browser_thread.submit(playwright.chromium.launch, executable_path=program, args=arguments).result()
    browser_thread.submit(playwright.stop).result()


@pytest.fixture(params=[Looks(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)], ids=str)
def looks(request: pytest.FixtureRequest) -> Looks:
    """A phone and a desktop, by day and by night."""
    looks = request.param
    assert isinstance(looks, Looks)
    return looks


@pytest.fixture
def drive(browser: Browser, browser_thread: ThreadPoolExecutor, live_server: object, looks: Looks) -> Drive:
    """`drive(walk)` runs `walk(new_visitor)` beside a running site; each visitor has cookies of its own."""

    cache.clear()  # all visitors come from one address, and sign-ins from one address are limited

    def new_visitor() -> Visitor:
        screen = ViewportSize(width=looks.width, height=844)
        # axe-core is not the site's script, so the policy would refuse it.
        context = browser.new_context(color_scheme=looks.scheme, viewport=screen, bypass_csp="AXE_CORE" in os.environ)
        context.set_default_timeout(WAIT)
        return Visitor(context.new_page(), str(live_server), looks)

    def run(walk: Callable[[NewVisitor], None]) -> None:
        try:
            walk(new_visitor)
        finally:
            for context in browser.contexts:
                context.close()

    return lambda walk: browser_thread.submit(run, walk).result()
