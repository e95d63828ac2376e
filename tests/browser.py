"""A real Chromium. Without one the tests that want it are skipped, or fail when REQUIRE_BROWSER=1."""

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
    """new_context(device=None, **options) -> a browser context of its own. No script may fail in it."""
    contexts, errors = [], []

    def new_context(device=None, **options):
        settings = {**(playwright.devices[device] if device else {}), **options}
        settings.pop("default_browser_type", None)
        contexts.append(chromium.new_context(**settings))
        contexts[-1].on("weberror", lambda error: errors.append(str(error.error)))
        return contexts[-1]

    yield new_context
    for context in contexts:
        context.close()
    assert errors == []
