"""A real Chromium.

Without one the tests that want it are skipped, or fail when REQUIRE_BROWSER=1.
"""

import importlib
import os
import shutil

import pytest

REQUIRED = os.environ.get("REQUIRE_BROWSER") == "1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def sync_api():
    """The module playwright.sync_api."""
    if not REQUIRED:
        pytest.importorskip(
            "playwright.sync_api", reason="playwright is not installed (tests/requirements.txt)"
        )
    return importlib.import_module("playwright.sync_api")


@pytest.fixture(scope="session")
def playwright():
    with sync_api().sync_playwright() as started:
        yield started


def find_browser():
    """The path of a Chrome or Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def chromium(playwright):
    path = find_browser()
    if path is None:
        (pytest.fail if REQUIRED else pytest.skip)(
            f"no browser found: none of {', '.join(BROWSERS)}"
        )
    browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS, headless=True)
    yield browser
    browser.close()


@pytest.fixture
def new_context(chromium, playwright):
    """new_context(device=None, **options) -> a browser context of its own.

    No script may fail in it.
    """
    contexts, errors = [], []

    def new_context(device=None, **options):
        contexts.append(chromium.new_context(**settings_of(playwright, device, options)))
        contexts[-1].on("weberror", lambda error: errors.append(str(error.error)))
        return contexts[-1]

    yield new_context
    for context in contexts:
        context.close()
    assert errors == []


def settings_of(playwright, device, options):
    """The arguments of Browser.new_context for one of Playwright's devices."""
    settings = {**(playwright.devices[device] if device else {}), **options}
    settings.pop("default_browser_type", None)
    return settings


class Tab:
    """A page that one test after another uses: it costs a third of a new one's time."""

    def __init__(self, context):
        self.context, self.page, self.errors = context, context.new_page(), []
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def empty(self):
        """Nothing of the last test is left, except listeners: see `listen`."""
        for page in self.context.pages:
            if page != self.page:
                page.close()
        if self.page.url.startswith("http"):
            self.page.evaluate("sessionStorage.clear(); localStorage.clear()")
        # Before the routes: a request that a test holds would be answered, and lead the page away.
        self.page.goto("about:blank")
        self.page.unroute_all()
        self.context.unroute_all()
        self.context.clear_cookies()


@pytest.fixture(scope="session")
def tabs():
    """The tabs of this process that no test uses now: {(device, options): Tab}."""
    return {}


@pytest.fixture
def open_tab(chromium, playwright, tabs):
    """open_tab(device=None, **options) -> an empty page, with nothing stored.

    No script may fail in it.

    The page is used again by later tests. One that needs an init script, a clock or the only page
    of a browser takes `new_context`.
    """
    taken = []

    def open_tab(device=None, **options):
        key = (device, repr(sorted(options.items())))
        tab = tabs.pop(key, None)
        if tab is None:
            tab = Tab(chromium.new_context(**settings_of(playwright, device, options)))
        taken.append((key, tab))
        return tab.page

    yield open_tab
    errors = []
    for key, tab in taken:
        errors += tab.errors
        tab.errors.clear()
        if key in tabs:  # this test had two of them
            tab.context.close()
            continue
        try:
            tab.empty()
        except sync_api().Error:  # closed, or still on its way to a page: the next test has another
            tab.context.close()
        else:
            tabs[key] = tab
    assert errors == []


@pytest.fixture
def listen():
    """listen(page or context, event, handler): until the test ends."""
    added = []

    def listen(emitter, event, handler):
        emitter.on(event, handler)
        added.append((emitter, event, handler))

    yield listen
    for emitter, event, handler in added:
        emitter.remove_listener(event, handler)
